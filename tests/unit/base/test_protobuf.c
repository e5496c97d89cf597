/* The wire format, by the examples of its specification.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/protobuf.h"
#include "support/check.h"
#include <string.h>

static void is(sg_str *s, const char *bytes, size_t size) {
    assert_int_equal(s->len, size);
    assert_memory_equal(s->data, bytes, size);
    sg_str_dispose(s);
}

static void fields_are_as_specified(void **state) {
    (void)state;
    sg_str s, child;
    sg_str_init(&s, 0);
    sg_pb_put_int(&s, 1, 150);
    is(&s, "\x08\x96\x01", 3);
    sg_pb_put_int(&s, 1, -2); /* ten bytes, as int64 */
    is(&s, "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
    sg_pb_put_text(&s, 2, "testing");
    is(&s, "\x12\x07testing", 9);
    sg_str_init(&child, 0);
    sg_pb_put_int(&child, 1, 150);
    sg_pb_put_message(&s, 3, &child);
    is(&s, "\x1a\x03\x08\x96\x01", 5);
    sg_pb_put_float(&s, 2, 1.0f);
    is(&s, "\x15\x00\x00\x80\x3f", 5);
    sg_pb_put_double(&s, 1, -2.0);
    is(&s, "\x09\x00\x00\x00\x00\x00\x00\x00\xc0", 9);
    sg_pb_put_bytes(&s, 16, "\0", 1); /* a field number of two bytes */
    is(&s, "\x82\x01\x01\x00", 4);
}

static void a_lost_child_is_noticed(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_str s, child;
    sg_str_init(&s, 0);
    sg_str_init(&child, 4);
    sg_pb_put_text(&child, 1, "too long");
    sg_pb_put_message(&s, 1, &child);
    assert_int_equal(sg_str_check(&s, &err), SG_ERR_MEMORY);
    sg_str_dispose(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(fields_are_as_specified),
            cmocka_unit_test(a_lost_child_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
