/*
 * The water plant of the exercises: a tank, a valve that fills it, a pump that empties it, and sensors with noise.
 *
 * It is a simulation: numbers are binary floating point, nothing here is signed or checked. Everything follows from the seed
 * and from what is done when, in steps of 0.1 s: the same seed and the same commands give the same readings.
 */
#ifndef PLANT_PHYSICS_H
#define PLANT_PHYSICS_H

#include <stdbool.h>
#include <stdint.h>

#define PLANT_STEP_S   0.1
#define PLANT_AREA_M2  4.0
#define PLANT_HEIGHT_M 5.0
#define PLANT_FULL_L   (PLANT_AREA_M2 * PLANT_HEIGHT_M * 1000.0)
#define PLANT_PAST     6000 /* steps of readings that are kept, for a replay */

enum plant_sensor {
    PLANT_LEVEL_A, /* m */
    PLANT_LEVEL_B, /* m */
    PLANT_FLOW_IN, /* l/s */
    PLANT_FLOW_OUT,
    PLANT_VALVE, /* % open */
    PLANT_SENSORS,
};
extern const char *const plant_sensor_names[PLANT_SENSORS];

enum plant_fault {
    PLANT_HONEST,
    PLANT_FROZEN,  /* says what it said last */
    PLANT_SPOOFED, /* says what it is told to */
    PLANT_OPEN,    /* a broken wire: no current (levels alone) */
    PLANT_SHORT,   /* a short circuit: more current than a sensor gives (levels alone) */
    PLANT_REPLAY,  /* says again what it said over the last so many steps */
};

struct plant_reading {
    enum plant_fault fault;
    double says;   /* in the unit of the sensor */
    double spoof;  /* SPOOFED: this */
    double offset; /* out of calibration by this */
    double noise;  /* times the noise of a good sensor, which is 1 */
    unsigned int replay_steps, replay_at;
    float past[PLANT_PAST];
};

struct plant {
    uint64_t random;
    uint64_t steps;               /* since the start: time is steps * PLANT_STEP_S */
    double volume_l, valve, pump; /* valve and pump: 0 to 1 */
    double in_l_s, out_l_s, leak_l_s;
    double total_in_l, total_out_l, total_leak_l, total_over_l;
    double valve_command; /* 0 to 1 */
    bool pump_command, automatic, valve_stuck, door_open;
    struct plant_reading reading[PLANT_SENSORS];
    char serial[32];
};

/* Half full, the pump on, and the plant's own controller at the valve, until a valve command is written. */
void plant_init(struct plant *p, uint64_t seed);
void plant_step(struct plant *p);
double plant_level_m(const struct plant *p);

/* Registers as a transmitter gives them: a level as microampere of a loop of 4 to 20 mA over 0 to 5 m. */
uint16_t plant_loop_ua(const struct plant *p, enum plant_sensor level);
uint16_t plant_valve_permille(const struct plant *p);

void plant_set_valve(struct plant *p, double opening); /* 0 to 1; ends automatic */
void plant_set_pump(struct plant *p, bool on);
void plant_set_fault(struct plant *p, enum plant_sensor s, enum plant_fault fault, double value);

#endif
