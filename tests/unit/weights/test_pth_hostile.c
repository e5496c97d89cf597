/* test_pth_hostile.c - .pth files made to mislead: each ends in an error that says what is wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "support/check.h"
#include "weights/pickle.h"
#include "weights/weight_set.h"
#include <stdlib.h>
#include <unistd.h>

#define TEXT(s) (&(const piece){s, sizeof(s) - 1})
typedef struct piece {
    const char *bytes;
    size_t size;
} piece;

static void put(sg_str *s, const piece *t) {
    sg_str_append_n(s, t->bytes, t->size);
}

static void put_int(sg_str *s, int32_t v) {
    char b[5] = {'J', (char)v, (char)(v >> 8), (char)(v >> 16), (char)(v >> 24)};
    sg_str_append_n(s, b, sizeof b);
}

/* What a tensor of one dimension says of itself; `data` floats really follow. */
typedef struct claim {
    int32_t storage, offset, size, stride, data;
    bool twice, numbered; /* numbered: its key is the number 1 */
} claim;

static void put_tensor(sg_str *s, const claim *c) {
    put(s, c->numbered ? TEXT("K\1") : TEXT("X\1\0\0\0a"));
    put(s, TEXT("ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\n"
                "FloatStorage\nX\1\0\0\0kX\3\0\0\0cpu"));
    put_int(s, c->storage);
    put(s, TEXT("tQ"));
    put_int(s, c->offset);
    put_int(s, c->size);
    put(s, TEXT("\x85"));
    put_int(s, c->stride);
    put(s, TEXT("\x85\x89NtR"));
}

static sg_status open_claim(const claim *c, sg_error *err) {
    sg_str s;
    sg_str_init(&s, 0);
    put(&s, TEXT("\x80\2\x8a\12\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."));
    put(&s, TEXT("\x80\2M\xe9\3."));
    put(&s, TEXT("\x80\2}X\15\0\0\0little_endian\x88s."));
    put(&s, TEXT("\x80\2}("));
    put_tensor(&s, c);
    if (c->twice) put_tensor(&s, c);
    put(&s, TEXT("u.\x80\2](X\1\0\0\0ke."));
    char count[8] = {(char)c->data};
    sg_str_append_n(&s, count, sizeof count);
    for (int i = 0; i < c->data; i++) put(&s, TEXT("\0\0\x80\x3f"));
    assert_false(sg_file_write("claim.pth", s.data, s.len, err));
    sg_str_dispose(&s);
    sg_weight_set *set;
    sg_status st = sg_weight_set_open(&set, "claim.pth", true, err);
    if (!st) {
        assert_int_equal(set->count, 1);
        sg_weight_set_close(set);
    }
    return st;
}

static void test_claims(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    static const struct {
        claim claim;
        const char *words;
    } cases[] = {
            {{4, 2, 3, 1, 4, false, false}, "reaches beyond its storage"},
            {{4, -1, 1, 1, 4, false, false}, "reaches beyond its storage"},
            {{4, 0, 2, INT32_MAX, 4, false, false}, "reaches beyond its storage"},
            {{4, 0, INT32_MAX, INT32_MAX, 4, false, false}, "reaches beyond its storage"},
            {{4, 0, INT32_MAX, 0, 4, false, false}, "view that repeats few numbers (expand)"},
            {{4, 0, -1, 1, 4, false, false}, "sizes and strides"},
            {{INT32_MAX, 0, 4, 1, 4, false, false}, "reaches beyond the file"},
            {{-4, 0, 4, 1, 4, false, false}, "lacks type, key or number"},
            {{4, 0, 4, 1, 6, false, false}, "bytes follow its last storage"},
            {{4, 0, 4, 1, 4, true, false}, "tensor a comes twice"},
            {{4, 0, 4, 1, 4, false, true}, "holds no state dict"},
    };
    CHECK_OK(open_claim(&(claim){4, 0, 4, 1, 4, false, false}, &err));
    CHECK_OK(open_claim(&(claim){4, 1, 1, INT32_MAX, 4, false, false}, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_FAILS(open_claim(&cases[i].claim, &err), SG_ERR_FORMAT, cases[i].words);
}

/* A view that repeats numbers is read while it stays below the file's size. */
static void test_expanded(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(open_claim(&(claim){1, 0, 16, 0, 1, false, false}, &err));
    CHECK_FAILS(
            open_claim(&(claim){1, 0, 1000, 0, 1, false, false}, &err), SG_ERR_FORMAT, "(expand)");
}

/* ---- the pickle alone ---- */

static void test_pickles(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    static const struct {
        piece input;
        sg_status status;
        const char *words;
    } cases[] = {
            {{"cos\nsystem\n(X\2\0\0\0lstR.", 22}, SG_ERR_INPUT, "os.system"},
            {{"\x80\4N.", 4}, SG_ERR_INPUT, "protocol 4"},
            {{"\x80\2N\x81.", 5}, SG_ERR_INPUT, "opcode 0x81"},
            {{"N", 1}, SG_ERR_FORMAT, "ends too early"},
            {{"X\xff\xff\xff\xffz.", 7}, SG_ERR_FORMAT, "ends too early"},
            {{"\x8a\x09\1\1\1\1\1\1\1\1\1.", 12}, SG_ERR_FORMAT, "beyond 64 bits"},
            {{"R.", 2}, SG_ERR_FORMAT, "not there"},
            {{"NNR.", 4}, SG_ERR_FORMAT, "no known name"},
            {{"t.", 2}, SG_ERR_FORMAT, "mark is missing"},
            {{"(N.", 3}, SG_ERR_FORMAT, "no single value"},
            {{"NN.", 3}, SG_ERR_FORMAT, "no single value"},
            {{"Nr\xff\xff\xff\x7f.", 7}, SG_ERR_FORMAT, "memo has gaps"},
            {{"h\0.", 3}, SG_ERR_FORMAT, "never remembered"},
            {{"N(NNu.", 6}, SG_ERR_FORMAT, "takes none"},
            {{"}(Nu.", 5}, SG_ERR_FORMAT, "takes none"},
            {{"NQ.", 3}, SG_ERR_FORMAT, "no storage"},
            {{"NNb.", 4}, SG_ERR_FORMAT, "no dictionary"},
    };
    sg_pickle p;
    size_t used;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_FAILS(sg_pickle_parse(&p, &used, (const uint8_t *)cases[i].input.bytes,
                            cases[i].input.size, "x.pth", &err),
                cases[i].status, cases[i].words);
}

static void test_depth_is_bounded(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    enum { DEEP = 1 << 20 };
    uint8_t *bytes = malloc(DEEP);
    assert_non_null(bytes);
    sg_pickle p;
    size_t used;
    memset(bytes, '(', DEEP);
    CHECK_FAILS(sg_pickle_parse(&p, &used, bytes, DEEP, "x", &err), SG_ERR_FORMAT, "beyond any");
    memset(bytes, ']', DEEP);
    CHECK_FAILS(
            sg_pickle_parse(&p, &used, bytes, DEEP, "x", &err), SG_ERR_FORMAT, "any state dict");
    /* A list in itself, and a tuple in a tuple in a tuple...: shapes, not recursion. */
    memset(bytes, 0x85, DEEP);
    bytes[0] = 'N';
    bytes[100000] = '.';
    CHECK_OK(sg_pickle_parse(&p, &used, bytes, DEEP, "x", &err));
    assert_int_equal(used, 100001);
    sg_pickle_dispose(&p);
    free(bytes);
    CHECK_OK(sg_pickle_parse(&p, &used, (const uint8_t *)"]q\0h\0a.", 7, "x", &err));
    sg_pickle_dispose(&p);
}

/* ---- the archive ---- */

/* The n-th record of the central directory. */
static uint8_t *record_of(char *bytes, size_t size, int n) {
    for (size_t i = 0; i + 4 < size; i++)
        if (memcmp(bytes + i, "PK\1\2", 4) == 0 && n-- == 0) return (uint8_t *)bytes + i;
    return NULL;
}

typedef enum { METHOD, SIZE, PLACE, NAME, CRYPT, COUNT, CUT, DATA, TWICE } trick;

static void test_archives(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    static const struct {
        trick trick;
        sg_status status;
        const char *words;
    } cases[] = {
            {METHOD, SG_ERR_INPUT, "is compressed"},
            {SIZE, SG_ERR_FORMAT, "lies outside the archive"},
            {PLACE, SG_ERR_FORMAT, "does not agree with its own header"},
            {NAME, SG_ERR_FORMAT, "does not agree with its own header"},
            {CRYPT, SG_ERR_FORMAT, "is encrypted"},
            {COUNT, SG_ERR_FORMAT, "cannot hold so many"},
            {CUT, SG_ERR_FORMAT, "its end is missing"},
            {DATA, SG_ERR_FORMAT, "does not match its checksum"},
            {TWICE, SG_ERR_FORMAT, "shares bytes with another"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *bytes;
        size_t size;
        CHECK_OK(sg_file_read(&bytes, &size, "tests/golden/weights/zip.pth", 1 << 20, &err));
        uint8_t *second = record_of(bytes, size, 1), *end = (uint8_t *)bytes + size - 22;
        assert_non_null(second);
        switch (cases[i].trick) {
        case METHOD:
            second[10] = 8;
            break;
        case SIZE:
            second[22] = second[26] = 1; /* 65536 bytes more, both sizes */
            break;
        case PLACE:
            memset(second + 42, 0, 4); /* the first entry's bytes again */
            break;
        case NAME:
            second[46] ^= 1;
            break;
        case CRYPT:
            second[8] |= 1;
            break;
        case COUNT:
            end[8] = end[10] = 0xF0;
            end[9] = end[11] = 0xFF;
            break;
        case CUT:
            size -= 1;
            break;
        case DATA:
            bytes[second[42] + second[43] * 256 + 100] ^= 1; /* inside its 216 bytes of data */
            break;
        case TWICE: /* names of data/0 and data/1 are equally long */
            memcpy(record_of(bytes, size, 2), second, 46 + second[28]);
            break;
        }
        CHECK_OK(sg_file_write("trick.pth", bytes, size, &err));
        free(bytes);
        sg_weight_set *set;
        CHECK_FAILS(
                sg_weight_set_open(&set, "trick.pth", true, &err), cases[i].status, cases[i].words);
    }
}

static int clean(void **state) {
    (void)state;
    unlink("claim.pth");
    unlink("trick.pth");
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_teardown(test_claims, clean),
            cmocka_unit_test_teardown(test_expanded, clean),
            cmocka_unit_test(test_pickles),
            cmocka_unit_test(test_depth_is_bounded),
            cmocka_unit_test_teardown(test_archives, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
