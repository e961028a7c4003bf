/*
 * Attributes of the kernel's sensors behind the port of prov/source.h: Linux IIO (Documentation/ABI/testing/
 * sysfs-bus-iio) and hwmon (Documentation/hwmon/sysfs-interface.rst).
 *
 * A frame is the text that reading the attribute gave, its end of line with it. No path leaves the root folder: the
 * device's folder may be behind links, as it is in /sys, but only behind links that stay below the root; an attribute
 * is a plain file name in it and no link. How long a read takes is up to the kernel's driver.
 */
#ifndef HW_SENSOR_SYSFS_H
#define HW_SENSOR_SYSFS_H

#include "base/err.h"
#include "prov/source.h"

struct hw_sysfs_options {
    const char *root; /* NULL is /sys */
    const char
        *device; /* the device's folder below the root, such as bus/iio/devices/iio:device0 */
};

/*
 * hw_sysfs_open - a source of attributes of one device; the device may be absent until it is read.
 *
 * read      what->name: the attribute, such as in_voltage0_raw or temp1_input. NETWORK: no such device or attribute
 *           now; IO: the driver says that the sensor did not answer; FORMAT: nothing, too much, or no plain file
 * describe  the attribute "name". UNSUPPORTED: it has none
 * write     UNSUPPORTED
 *
 * out       closed by its ops->close
 * Errors    CONFIG (PRV_SOURCE): the root is no folder, or the device's path leaves it. NOMEM; UNSUPPORTED: a kernel
 *           before 5.6, which cannot keep a path below a folder
 */
ATT_MUST_USE enum att_err hw_sysfs_open(struct att_source *out, const struct hw_sysfs_options *o,
                                        struct att_diag *diag);

#endif
