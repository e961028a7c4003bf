/* What exercises do to the plant: one command a line. */
#ifndef PLANT_CONTROL_H
#define PLANT_CONTROL_H

#include <stddef.h>

#include "plant/physics.h"

#define PLANT_RUN_MAX_S 86400.0 /* of one "run" */

/* The plant and how it shows itself on the wire. */
struct plant_site {
    struct plant plant;
    bool swapped; /* the levels and the flow out have changed places in the register map */
    bool quit;
};

extern const char plant_commands[]; /* for people, a line each */

/* Do what the line says. The answer is "ok", a line of JSON ("state"), or "error: " and why; without its end of line. */
void plant_control(struct plant_site *site, const char *line, char *answer, size_t cap);

#endif
