/* Stands where the keeper will be, so that the program links; goes when keeper.c comes. */
#include <stdio.h>

#include "verifier/process.h"

int keeper_main(const struct config *cfg, const struct keeper_wiring *wiring)
{
    (void)cfg;
    (void)wiring;
    return 70;
}

int keeper_init_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    (void)fputs("attestd: init is not there yet\n", stderr);
    return 70;
}

int keeper_fsck_main(const struct config *cfg)
{
    (void)cfg;
    (void)fputs("attestd: fsck is not there yet\n", stderr);
    return 70;
}
