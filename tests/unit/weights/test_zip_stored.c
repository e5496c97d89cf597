/* test_zip_stored.c - archives made entry by entry, each with one lie.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "support/check.h"
#include "weights/zip_stored.h"

typedef enum { NOTHING, GAP, PREFIX, TAIL, LONGER, CRC_BEHIND, NO_FLAG, COMPRESSED } lie_kind;

/* What the 64-bit end record says: nothing (there is none), the truth, or one thing else. */
typedef enum { NO_RECORD, TRUTH, OTHER_COUNT, OTHER_LENGTH, OTHER_BEGIN, OTHER_PLACE } record_kind;

typedef struct plan {
    const char *names[2];
    lie_kind lie; /* about the second entry */
    record_kind record64;
    sg_status status;
    const char *words; /* NULL: it opens */
} plan;

static const char content[] = "0123456789";
enum { SIZE = sizeof content - 1, CRC = 0xA684C7C6, METHOD = 8, DESCRIBED = 8 };

static void put(sg_str *s, uint64_t v, int bytes) {
    for (int i = 0; i < bytes; i++, v >>= 8) sg_str_append_n(s, &(char){(char)v}, 1);
}

/* The fields that local and central headers share, from the version on. */
static void put_common(sg_str *s, const char *name, size_t size, lie_kind lie) {
    put(s, 20, 2);
    put(s, lie == NO_FLAG ? 0 : DESCRIBED, 2);
    put(s, lie == COMPRESSED ? METHOD : 0, 2);
    put(s, 0, 4);
    put(s, CRC, 4);
    put(s, size, 4);
    put(s, size, 4);
    put(s, strlen(name), 2);
    put(s, 0, 2);
}

static void put_entry(sg_str *s, const char *name, lie_kind lie) {
    if (lie == GAP || lie == PREFIX) sg_str_append(s, "evil");
    sg_str_append(s, "PK\3\4");
    put_common(s, name, 0, lie);
    sg_str_append(s, name);
    sg_str_append(s, content);
    sg_str_append(s, "PK\7\10");
    put(s, lie == CRC_BEHIND ? 0 : CRC, 4);
    put(s, SIZE, 4);
    put(s, SIZE, 4);
    if (lie == TAIL) sg_str_append(s, "evil");
}

static void put_record(sg_str *s, const char *name, size_t begin, lie_kind lie) {
    sg_str_append(s, "PK\1\2");
    put(s, 20, 2);
    put_common(s, name, lie == LONGER ? SIZE + 40 : SIZE, lie);
    put(s, 0, 2 + 2 + 2 + 4);
    put(s, lie == GAP || lie == PREFIX ? begin + 4 : begin, 4);
    sg_str_append(s, name);
}

static void put_record64(sg_str *s, record_kind kind, size_t begin, size_t length) {
    size_t place = s->len;
    sg_str_append(s, "PK\6\6");
    put(s, 44, 8);
    put(s, 45, 2);
    put(s, 45, 2);
    put(s, 0, 8);
    put(s, 2, 8);
    put(s, kind == OTHER_COUNT ? 1 : 2, 8);
    put(s, kind == OTHER_LENGTH ? 1 : length, 8);
    put(s, kind == OTHER_BEGIN ? 1 : begin, 8);
    sg_str_append(s, "PK\6\7");
    put(s, 0, 4);
    put(s, kind == OTHER_PLACE ? 1 : place, 8);
    put(s, 1, 4);
}

static void make(sg_str *s, const plan *p) {
    lie_kind first = p->lie == PREFIX ? PREFIX : NOTHING,
             second = p->lie == PREFIX ? NOTHING : p->lie;
    put_entry(s, p->names[0], first);
    size_t at = s->len;
    put_entry(s, p->names[1], second);
    size_t begin = s->len;
    put_record(s, p->names[0], 0, first);
    put_record(s, p->names[1], at, second);
    size_t length = s->len - begin;
    if (p->record64 != NO_RECORD) put_record64(s, p->record64, begin, length);
    sg_str_append(s, "PK\5\6");
    put(s, 0, 4);
    put(s, 2, 2);
    put(s, 2, 2);
    put(s, length, 4);
    put(s, begin, 4);
    put(s, 0, 2);
}

static void test_lies(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    static const plan plans[] = {
            {{"a/x", "a/y"}, NOTHING, NO_RECORD, SG_OK, NULL},
            {{"a/x", "a/y"}, NOTHING, TRUTH, SG_OK, NULL},
            {{"a/x", "a/x"}, NOTHING, NO_RECORD, SG_ERR_FORMAT, "a/x comes twice"},
            {{"a/x", "a/y"}, GAP, NO_RECORD, SG_ERR_FORMAT, "a/x is followed by bytes of no entry"},
            {{"a/x", "a/y"}, TAIL, NO_RECORD, SG_ERR_FORMAT,
                    "a/y is followed by bytes of no entry"},
            {{"a/x", "a/y"}, PREFIX, NO_RECORD, SG_ERR_FORMAT, "before its first entry"},
            {{"a/x", "a/y"}, LONGER, NO_RECORD, SG_ERR_FORMAT, "a/y lies outside the archive"},
            {{"a/x", "a/y"}, CRC_BEHIND, NO_RECORD, SG_ERR_FORMAT, "with what follows it"},
            {{"a/x", "a/y"}, NO_FLAG, NO_RECORD, SG_ERR_FORMAT, "bytes of no entry"},
            {{"a/x", "a/y"}, COMPRESSED, NO_RECORD, SG_ERR_INPUT, "something else packed"},
            {{"a/x", "a/code/m.py"}, COMPRESSED, NO_RECORD, SG_ERR_INPUT, "TorchScript"},
            {{"a/x", "a/y"}, NOTHING, OTHER_COUNT, SG_ERR_FORMAT, "two end records"},
            {{"a/x", "a/y"}, NOTHING, OTHER_LENGTH, SG_ERR_FORMAT, "two end records"},
            {{"a/x", "a/y"}, NOTHING, OTHER_BEGIN, SG_ERR_FORMAT, "two end records"},
            {{"a/x", "a/y"}, NOTHING, OTHER_PLACE, SG_ERR_FORMAT, "two end records"},
    };
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        sg_str s;
        sg_zip_stored zip = {0};
        sg_str_init(&s, 0);
        make(&s, &plans[i]);
        sg_status st =
                sg_zip_stored_open(&zip, (const uint8_t *)s.data, s.len, true, "x.zip", &err);
        if (plans[i].words)
            CHECK_FAILS(st, plans[i].status, plans[i].words);
        else {
            CHECK_OK(st);
            const sg_zip_stored_entry *e = sg_zip_stored_find(&zip, "a", 1, "y", 1);
            assert_non_null(e);
            assert_memory_equal(e->data, content, SIZE);
        }
        sg_zip_stored_close(&zip);
        sg_str_dispose(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
