/* A node, for the loader that makes it and the getters that read it. */
#ifndef ATT_CODEC_YAML_INTERNAL_H
#define ATT_CODEC_YAML_INTERNAL_H

#include "codec/yaml.h"

struct att_yaml_node {
    const char *doc_name;
    size_t line, column; /* from 1; columns in characters */
    enum att_yaml_type type;
    bool plain; /* a scalar without quotes */
    char *text; /* terminated; NULL for lists and maps */
    size_t len;
    struct att_yaml_node **child; /* a map has its keys and values in turn */
    size_t children;
    struct att_yaml_node *next; /* the next child of the same parent */
};

#endif
