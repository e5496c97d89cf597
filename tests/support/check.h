/* check.h - what every test program includes: cmocka, and short assertions for our own statuses.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_SUPPORT_CHECK_H
#define SG_TESTS_SUPPORT_CHECK_H

/* cmocka wants these four before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "sonograde/error.h"
#include <cmocka.h>
#include <string.h>

/* `call` uses `&err`, an sg_error in scope; a failure shows its message. */
#define CHECK_OK(call)                                                                             \
    do {                                                                                           \
        sg_status check_status = (call);                                                           \
        if (check_status) fail_msg("%s: %s", #call, err.message);                                  \
    } while (0)

/* The call fails with `code` and its message holds `part`. */
#define CHECK_FAILS(call, status_code, part)                                                       \
    do {                                                                                           \
        sg_status check_status = (call);                                                           \
        if (check_status != (status_code))                                                         \
            fail_msg("%s gave %s, not %s: %s", #call, sg_status_name(check_status),                \
                    sg_status_name(status_code), err.message);                                     \
        if (!strstr(err.message, (part)))                                                          \
            fail_msg("%s: '%s' is not in: %s", #call, (part), err.message);                        \
    } while (0)

#endif
