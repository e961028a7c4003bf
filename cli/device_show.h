/* What a verifier answers about its gateways, for people. Nothing of it is printed as it came. */
#ifndef CLI_DEVICE_SHOW_H
#define CLI_DEVICE_SHOW_H

#include <stdbool.h>
#include <stddef.h>

#include "cli.h"

/* A member as text that may be printed into out; "-" when there is none. Returns out. */
const char *device_text(char *out, size_t cap, const json_t *o, const char *key);

void device_list_header(const struct report *r);
/* A page of the list, as lines and onto the end of all. */
void device_list_page(struct report *r, const json_t *page, json_t *all);
/* The next page's path; false when this was the last. An id that is none ends the list too. */
bool device_next_page(char *path, size_t cap, const json_t *page);
/* One gateway whole. */
void device_print(struct report *r, const json_t *device);

#endif
