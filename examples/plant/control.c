#include "plant/control.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 3
#define LINE_CAP  128

const char plant_commands[] =
    "  state                  what is true, as JSON: not what the sensors say\n"
    "  run SECONDS            let time pass at once (beside --speed)\n"
    "  freeze SENSOR          it says what it said last\n"
    "  spoof SENSOR VALUE     it says this, in m, l/s or %\n"
    "  offset SENSOR VALUE    it is out of calibration by this\n"
    "  noise SENSOR FACTOR    times the noise of a good one\n"
    "  replay SENSOR SECONDS  it says its last so many seconds again and again\n"
    "  break SENSOR           the wire of a level is broken; short SENSOR: shorted\n"
    "  honest SENSOR          it is good again\n"
    "  replace SERIAL         another device with this serial number stands there\n"
    "  map swap|normal        levels and flow-out change places in the register map\n"
    "  valve stuck|follows    it ignores commands; it follows them\n"
    "  leak LITRES            a second, past every meter; 0 mends it\n"
    "  door open|closed       of the cabinet\n"
    "  auto                   the plant's own controller holds the level again\n"
    "  quit                   end the program\n"
    "SENSOR is level-a, level-b, flow-in, flow-out or valve.\n";

struct words {
    char text[LINE_CAP];
    const char *word[WORDS_MAX];
    size_t count;
};

static bool split(struct words *w, const char *line)
{
    char *save = NULL;

    *w = (struct words){0};
    if (strlen(line) >= sizeof w->text)
        return false;
    memcpy(w->text, line, strlen(line));
    for (char *t = strtok_r(w->text, " ", &save); t != NULL; t = strtok_r(NULL, " ", &save)) {
        if (w->count == WORDS_MAX)
            return false;
        w->word[w->count++] = t;
    }
    return w->count > 0;
}

static bool number(double *out, const char *text)
{
    char *end = NULL;

    *out = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*out);
}

static bool sensor(enum plant_sensor *out, const char *name)
{
    for (int s = 0; s < PLANT_SENSORS; s++)
        if (strcmp(plant_sensor_names[s], name) == 0) {
            *out = (enum plant_sensor)s;
            return true;
        }
    return false;
}

/* Each of these says whether it was its command, in good order. */

static bool fault_command(struct plant *p, const struct words *w)
{
    static const struct {
        const char *word;
        enum plant_fault fault;
        bool has_value, levels_only;
    } rows[] = {
        {"honest", PLANT_HONEST, false, false}, {"freeze", PLANT_FROZEN, false, false},
        {"spoof", PLANT_SPOOFED, true, false},  {"replay", PLANT_REPLAY, true, false},
        {"break", PLANT_OPEN, false, true},     {"short", PLANT_SHORT, false, true},
    };
    enum plant_sensor s = PLANT_LEVEL_A;
    double value = 0.0;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(w->word[0], rows[i].word) != 0)
            continue;
        if (w->count != (rows[i].has_value ? 3 : 2) || !sensor(&s, w->word[1]) ||
            (rows[i].has_value && !number(&value, w->word[2])) ||
            (rows[i].levels_only && s > PLANT_LEVEL_B))
            return false;
        plant_set_fault(p, s, rows[i].fault, value);
        return true;
    }
    return false;
}

static bool tune_command(struct plant *p, const struct words *w)
{
    enum plant_sensor s = PLANT_LEVEL_A;
    double value = 0.0;

    if (w->count != 3 || !sensor(&s, w->word[1]) || !number(&value, w->word[2]))
        return false;
    if (strcmp(w->word[0], "offset") == 0)
        p->reading[s].offset = value;
    else if (strcmp(w->word[0], "noise") == 0 && value >= 0.0)
        p->reading[s].noise = value;
    else
        return false;
    return true;
}

static bool run_command(struct plant *p, const struct words *w)
{
    double seconds = 0.0;

    if (w->count != 2 || !number(&seconds, w->word[1]))
        return false;
    if (strcmp(w->word[0], "leak") == 0 && seconds >= 0.0) {
        p->leak_l_s = seconds;
        return true;
    }
    if (strcmp(w->word[0], "run") != 0 || seconds < 0.0 || seconds > PLANT_RUN_MAX_S)
        return false;
    for (uint64_t left = (uint64_t)llround(seconds / PLANT_STEP_S); left > 0; left--)
        plant_step(p);
    return true;
}

static bool switch_command(struct plant_site *site, const struct words *w)
{
    const struct {
        const char *word, *on, *off;
        bool *what;
    } rows[] = {
        {"map", "swap", "normal", &site->swapped},
        {"valve", "stuck", "follows", &site->plant.valve_stuck},
        {"door", "open", "closed", &site->plant.door_open},
    };

    for (size_t i = 0; w->count == 2 && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(w->word[0], rows[i].word) == 0 &&
            (strcmp(w->word[1], rows[i].on) == 0 || strcmp(w->word[1], rows[i].off) == 0)) {
            *rows[i].what = strcmp(w->word[1], rows[i].on) == 0;
            return true;
        }
    return false;
}

static bool site_command(struct plant_site *site, const struct words *w)
{
    if (w->count == 1 && strcmp(w->word[0], "auto") == 0) {
        site->plant.automatic = true;
        return true;
    }
    if (w->count == 1 && strcmp(w->word[0], "quit") == 0) {
        site->quit = true;
        return true;
    }
    if (w->count != 2 || strcmp(w->word[0], "replace") != 0 ||
        strlen(w->word[1]) + 4 > sizeof site->plant.serial)
        return false;
    snprintf(site->plant.serial, sizeof site->plant.serial, "SN %s", w->word[1]);
    return true;
}

static void tell_state(const struct plant_site *site, char *answer, size_t cap)
{
    const struct plant *p = &site->plant;

    snprintf(answer, cap,
             "{\"time_s\": %.1f, \"level_m\": %.4f, \"volume_l\": %.3f, \"in_l\": %.3f, \"out_l\": "
             "%.3f, "
             "\"leak_l\": %.3f, \"overflow_l\": %.3f, \"valve\": %.4f, \"valve_command\": %.4f, "
             "\"pump\": %d, \"automatic\": %s}",
             (double)p->steps * PLANT_STEP_S, plant_level_m(p), p->volume_l, p->total_in_l,
             p->total_out_l, p->total_leak_l, p->total_over_l, p->valve, p->valve_command,
             p->pump_command, p->automatic ? "true" : "false");
}

void plant_control(struct plant_site *site, const char *line, char *answer, size_t cap)
{
    struct words w;

    if (split(&w, line) && w.count == 1 && strcmp(w.word[0], "state") == 0) {
        tell_state(site, answer, cap);
        return;
    }
    bool done = w.count > 0 && (fault_command(&site->plant, &w) || tune_command(&site->plant, &w) ||
                                run_command(&site->plant, &w) || switch_command(site, &w) ||
                                site_command(site, &w));
    snprintf(answer, cap, "%s", done ? "ok" : "error: no such command; plant --help lists them");
}
