/* version.c - the build's own name, given by the Makefile.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/version.h"

const char *sg_version(void) {
    return SG_VERSION;
}

const char *sg_turbojpeg_version(void) {
    return SG_TURBOJPEG_VERSION;
}

const char *sg_build_id(void) {
    return SG_BUILD_ID;
}
