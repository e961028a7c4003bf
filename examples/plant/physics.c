#include "plant/physics.h"

#include <math.h>
#include <string.h>

#define INFLOW_L_S    10.0 /* through an open valve into an empty tank */
#define SUPPLY_HEAD_M 8.0  /* of the water that comes in: a fuller tank takes less */
#define PUMP_L_S      5.0
#define DEMAND_SWING  0.1 /* of the pump's flow, over a period of: */
#define DEMAND_S      600.0
#define VALVE_S       20.0 /* from closed to open */
#define PUMP_S        2.0  /* to come up, or to a stop */
#define DRY_M         0.05 /* below it the pump draws air */
#define HOLD_M        2.5  /* what the controller holds, with these two: */
#define BALANCE       0.6
#define GAIN_PER_M    0.5
#define LOOP_LOW_UA   4000.0
#define LOOP_SPAN_UA  16000.0
#define OPEN_UA       0
#define SHORT_UA      22000

const char *const plant_sensor_names[PLANT_SENSORS] = {"level-a", "level-b", "flow-in", "flow-out",
                                                       "valve"};

/* One standard deviation, in the unit of the sensor. */
static const double noise_of[PLANT_SENSORS] = {0.002, 0.002, 0.02, 0.02, 0.05};

/* splitmix64: small, and the same everywhere. */
static uint64_t draw(struct plant *p)
{
    uint64_t z = p->random += 0x9e3779b97f4a7c15U;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* The sum of twelve evenly spread numbers is nearly normal, with a deviation of 1. */
static double draw_normal(struct plant *p)
{
    double sum = -6.0;

    for (int i = 0; i < 12; i++)
        sum += (double)(draw(p) >> 11) * 0x1p-53;
    return sum;
}

static double clamp(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

static double towards(double from, double to, double most)
{
    return from + clamp(to - from, -most, most);
}

double plant_level_m(const struct plant *p)
{
    return p->volume_l / (PLANT_AREA_M2 * 1000.0);
}

static double truth(const struct plant *p, enum plant_sensor s)
{
    switch (s) {
    case PLANT_LEVEL_A:
    case PLANT_LEVEL_B:
        return plant_level_m(p);
    case PLANT_FLOW_IN:
        return p->in_l_s;
    case PLANT_FLOW_OUT:
        return p->out_l_s;
    default:
        return 100.0 * p->valve;
    }
}

static void move_water(struct plant *p)
{
    double level = plant_level_m(p);
    double swing =
        1.0 + DEMAND_SWING * sin(2.0 * M_PI * (double)p->steps * PLANT_STEP_S / DEMAND_S);
    double leak = p->volume_l > 0.0 ? p->leak_l_s : 0.0;

    p->in_l_s = INFLOW_L_S * p->valve * sqrt((SUPPLY_HEAD_M - level) / SUPPLY_HEAD_M);
    p->out_l_s = level > DRY_M ? PUMP_L_S * p->pump * swing : 0.0;
    leak = fmin(leak * PLANT_STEP_S, p->volume_l);
    p->volume_l += (p->in_l_s - p->out_l_s) * PLANT_STEP_S - leak;
    p->total_in_l += p->in_l_s * PLANT_STEP_S;
    p->total_out_l += p->out_l_s * PLANT_STEP_S;
    p->total_leak_l += leak;
    if (p->volume_l > PLANT_FULL_L) {
        p->total_over_l += p->volume_l - PLANT_FULL_L;
        p->volume_l = PLANT_FULL_L;
    }
}

static void move_parts(struct plant *p)
{
    double wanted = p->valve_command;

    if (p->automatic)
        wanted = clamp(BALANCE + GAIN_PER_M * (HOLD_M - plant_level_m(p)), 0.0, 1.0);
    p->valve_command = wanted;
    if (!p->valve_stuck)
        p->valve = towards(p->valve, wanted, PLANT_STEP_S / VALVE_S);
    p->pump = towards(p->pump, p->pump_command ? 1.0 : 0.0, PLANT_STEP_S / PUMP_S);
}

/* Noise is drawn whatever the fault, so that a fault of one sensor changes no other one. */
static void read_sensor(struct plant *p, enum plant_sensor s)
{
    struct plant_reading *r = &p->reading[s];
    double honest = truth(p, s) + r->offset + r->noise * noise_of[s] * draw_normal(p);

    if (r->fault == PLANT_HONEST)
        r->says = honest;
    if (r->fault == PLANT_SPOOFED)
        r->says = r->spoof;
    if (r->fault == PLANT_REPLAY)
        r->says = (double)r->past[r->replay_at++ % r->replay_steps];
    else
        r->past[p->steps % PLANT_PAST] = (float)r->says;
}

void plant_step(struct plant *p)
{
    move_parts(p);
    move_water(p);
    for (int s = 0; s < PLANT_SENSORS; s++)
        read_sensor(p, (enum plant_sensor)s);
    p->steps++;
}

void plant_init(struct plant *p, uint64_t seed)
{
    *p = (struct plant){
        .random = seed,
        .volume_l = HOLD_M * PLANT_AREA_M2 * 1000.0,
        .valve = BALANCE,
        .valve_command = BALANCE,
        .pump = 1.0,
        .pump_command = true,
        .automatic = true,
        .serial = "SN 0001",
    };
    for (int s = 0; s < PLANT_SENSORS; s++)
        p->reading[s].noise = 1.0;
    plant_step(p);
}

uint16_t plant_loop_ua(const struct plant *p, enum plant_sensor level)
{
    const struct plant_reading *r = &p->reading[level];
    double ua = LOOP_LOW_UA + LOOP_SPAN_UA * r->says / PLANT_HEIGHT_M;

    if (r->fault == PLANT_OPEN)
        return OPEN_UA;
    if (r->fault == PLANT_SHORT)
        return SHORT_UA;
    return (uint16_t)lround(clamp(ua, 0.0, 65535.0));
}

uint16_t plant_valve_permille(const struct plant *p)
{
    return (uint16_t)lround(clamp(10.0 * p->reading[PLANT_VALVE].says, 0.0, 1000.0));
}

void plant_set_valve(struct plant *p, double opening)
{
    p->valve_command = clamp(opening, 0.0, 1.0);
    p->automatic = false;
}

void plant_set_pump(struct plant *p, bool on)
{
    p->pump_command = on;
}

/* The last steps move to the front of what is kept, oldest first: from there they are said again. */
static void begin_replay(struct plant *p, struct plant_reading *r, double seconds)
{
    float last[PLANT_PAST];
    uint64_t most = p->steps < PLANT_PAST ? p->steps : PLANT_PAST;
    uint64_t n = (uint64_t)clamp(seconds / PLANT_STEP_S, 1.0, (double)most);

    for (uint64_t i = 0; i < n; i++)
        last[i] = r->past[(p->steps - n + i) % PLANT_PAST];
    memcpy(r->past, last, n * sizeof last[0]);
    r->replay_steps = (unsigned int)n;
    r->replay_at = 0;
}

void plant_set_fault(struct plant *p, enum plant_sensor s, enum plant_fault fault, double value)
{
    struct plant_reading *r = &p->reading[s];

    if (fault == PLANT_HONEST) {
        r->offset = 0.0;
        r->noise = 1.0;
    }
    if (fault == PLANT_SPOOFED)
        r->spoof = value;
    if (fault == PLANT_REPLAY)
        begin_replay(p, r, value);
    r->fault = fault;
}
