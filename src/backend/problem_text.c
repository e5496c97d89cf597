/* problem_text.c - problems in one line: "conv:train:f32 n2c16h14w14 o32 k3x3 s1x1 p1x1 d1x1 g1".
 *
 *   n2c16h14w14   input; concat: n2c16+8h14w14 for two of 16 and 8 channels
 *   x3            that many inputs of this shape (add)
 *   o32           output channels (conv, linear); o7x7 the map that an adaptive pool gives
 *   k s d g       kernel, stride, dilation (each h x w), groups
 *   p1x1:0x1      padding before, and behind where it differs
 *   eps scale clip, bias include_pad fixed sum relu part spread   settings of sg_problem by name
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/backend.h"
#include "base/str.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct line {
    char *text;
    size_t used;
} line;

static void put(line *l, const char *fmt, ...) SG_PRINTF(2, 3);
static void put(line *l, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(l->text + l->used, SG_PROBLEM_TEXT - l->used, fmt, args);
    va_end(args);
    if (n > 0) l->used += (size_t)n;
    if (l->used >= SG_PROBLEM_TEXT) l->used = SG_PROBLEM_TEXT - 1;
}

static const char letters[SG_MAX_RANK + 1] = "nchwde";

/* "n2c16h14w14"; the channels of a concat as a sum, "n2c16+8h14w14". */
static void put_source(line *l, const sg_problem *p) {
    put(l, " ");
    for (int i = 0; i < p->src[0].rank && i < SG_MAX_RANK; i++) {
        put(l, "%c%lld", letters[i], (long long)p->src[0].dims[i]);
        for (int k = 1; i == 1 && p->op == SG_OP_CONCAT && k < p->src_count; k++)
            put(l, "+%lld", (long long)p->src[k].dims[1]);
    }
    if (p->op == SG_OP_ADD) put(l, " x%d", p->src_count);
}

static void put_pair(line *l, const char *key, const int64_t pair[2]) {
    put(l, "%s%lldx%lld", key, (long long)pair[0], (long long)pair[1]);
}

static void put_window(line *l, const sg_problem *p) {
    put_pair(l, " k", p->kernel);
    put_pair(l, " s", p->stride);
    put_pair(l, " p", p->pad_begin);
    if (memcmp(p->pad_begin, p->pad_end, sizeof p->pad_end)) put_pair(l, ":", p->pad_end);
    if (p->op != SG_OP_CONV) return;
    put_pair(l, " d", p->dilation);
    put(l, " g%lld", (long long)p->groups);
}

const char *sg_problem_text(char out[SG_PROBLEM_TEXT], const sg_problem *p) {
    line l = {out, 0};
    put(&l, "%s:%s:%s", sg_op_name(p->op), sg_pass_name(p->pass),
            p->dtype == SG_F64 ? "f64" : "f32");
    put_source(&l, p);
    if (p->op == SG_OP_CONV || p->op == SG_OP_LINEAR) put(&l, " o%lld", (long long)p->dst.dims[1]);
    if (p->op == SG_OP_ADAPTIVE_POOL) put_pair(&l, " o", &p->dst.dims[2]);
    bool window = p->op == SG_OP_CONV || p->op == SG_OP_MAX_POOL || p->op == SG_OP_AVG_POOL;
    if (window) put_window(&l, p);
    if (p->op == SG_OP_BATCH_NORM) put(&l, " eps%.9g", p->eps);
    if (p->sigmoid_scale != 0) put(&l, " scale%.9g", p->sigmoid_scale);
    if (p->clip != 0) put(&l, " clip%.9g", p->clip);
    if (p->has_bias) put(&l, " bias");
    if (p->count_include_pad) put(&l, " include_pad");
    if (p->fixed_statistics) put(&l, " fixed");
    if (p->fuse_sum) put(&l, " sum");
    if (p->fuse_relu) put(&l, " relu");
    if (p->diff_part) put(&l, p->diff_part == SG_DIFF_WHOLE ? " part" : " spread");
    return out;
}

/* ---- reading ---- */

static bool take_int(int64_t *out, const char **text) {
    int64_t value = 0;
    const char *s = *text;
    if (*s < '0' || *s > '9') return false;
    for (; *s >= '0' && *s <= '9'; s++) {
        value = value * 10 + (*s - '0');
        if (value > INT32_MAX) return false;
    }
    *out = value;
    *text = s;
    return true;
}

static bool take_pair(int64_t out[2], const char **text) {
    if (!take_int(&out[0], text) || **text != 'x') return false;
    (*text)++;
    return take_int(&out[1], text);
}

/* "n2c16+8h14w14": one source, or several that differ in channels. */
static bool parse_source(sg_problem *p, const char *token) {
    int64_t channels[SG_MAX_INPUTS];
    int count = 1;
    sg_shape shape = {0};
    while (*token) {
        if (shape.rank == SG_MAX_RANK || *token++ != letters[shape.rank]) return false;
        if (!take_int(&shape.dims[shape.rank], &token)) return false;
        while (*token == '+') {
            token++;
            if (shape.rank != 1 || count == SG_MAX_INPUTS || !take_int(&channels[count++], &token))
                return false;
        }
        shape.rank++;
    }
    for (int i = 0; i < count; i++) {
        p->src[i] = shape;
        if (i) p->src[i].dims[1] = channels[i];
    }
    p->src_count = count;
    return true;
}

/* "x3": as many inputs of the shape of the first. */
static bool parse_repeat(sg_problem *p, const char *token) {
    int64_t count;
    if (!take_int(&count, &token) || *token || count < 1 || count > SG_MAX_INPUTS) return false;
    for (int i = 1; i < (int)count; i++) p->src[i] = p->src[0];
    p->src_count = (int)count;
    return true;
}

static bool parse_padding(sg_problem *p, const char *token) {
    if (!take_pair(p->pad_begin, &token)) return false;
    memcpy(p->pad_end, p->pad_begin, sizeof p->pad_end);
    if (*token == '\0') return true;
    return *token++ == ':' && take_pair(p->pad_end, &token) && *token == '\0';
}

static bool parse_word(sg_problem *p, const char *token) {
    const struct {
        const char *word;
        bool *field;
    } words[] = {
            {"bias", &p->has_bias},
            {"include_pad", &p->count_include_pad},
            {"fixed", &p->fixed_statistics},
            {"sum", &p->fuse_sum},
            {"relu", &p->fuse_relu},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(token, words[i].word) != 0) continue;
        *words[i].field = true;
        return true;
    }
    if (strcmp(token, "part") == 0) p->diff_part = SG_DIFF_WHOLE;
    if (strcmp(token, "spread") == 0) p->diff_part = SG_DIFF_SPREAD;
    return strcmp(token, "part") == 0 || strcmp(token, "spread") == 0;
}

static bool parse_real(sg_problem *p, const char *token) {
    const struct {
        const char *key;
        double *field;
    } reals[] = {{"eps", &p->eps}, {"scale", &p->sigmoid_scale}, {"clip", &p->clip}};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        size_t n = strlen(reals[i].key);
        if (strncmp(token, reals[i].key, n) == 0) return sg_parse_double(reals[i].field, token + n);
    }
    return false;
}

static bool parse_token(sg_problem *p, const char *token) {
    if (parse_word(p, token) || parse_real(p, token)) return true;
    const char *rest = token + 1;
    switch (token[0]) {
    case 'n':
        return parse_source(p, token);
    case 'x':
        return parse_repeat(p, rest);
    case 'o':
        if (p->op == SG_OP_ADAPTIVE_POOL) return take_pair(&p->dst.dims[2], &rest) && !*rest;
        p->dst.rank = p->op == SG_OP_LINEAR ? 2 : 4;
        return take_int(&p->dst.dims[1], &rest) && !*rest;
    case 'g':
        return take_int(&p->groups, &rest) && !*rest;
    case 'k':
        return take_pair(p->kernel, &rest) && !*rest;
    case 's':
        return take_pair(p->stride, &rest) && !*rest;
    case 'd':
        return take_pair(p->dilation, &rest) && !*rest;
    case 'p':
        return parse_padding(p, rest);
    default:
        return false;
    }
}

static bool find_op(sg_op *out, const char *name) {
    for (sg_op op = 0; op < SG_OP_COUNT; op++) {
        if (strcmp(sg_op_name(op), name) != 0) continue;
        *out = op;
        return true;
    }
    return false;
}

static bool find_pass(sg_pass *out, const char *name) {
    for (sg_pass pass = SG_PASS_INFER; pass <= SG_PASS_BACKWARD_WEIGHTS; pass++) {
        if (strcmp(sg_pass_name(pass), name) != 0) continue;
        *out = pass;
        return true;
    }
    return false;
}

/* "conv:train:f32" */
static bool parse_head(sg_problem *p, char *token) {
    char *save = NULL;
    const char *op = strtok_r(token, ":", &save), *pass = strtok_r(NULL, ":", &save);
    const char *dtype = strtok_r(NULL, ":", &save);
    if (!op || !pass || !dtype || !find_op(&p->op, op) || !find_pass(&p->pass, pass)) return false;
    if (strcmp(dtype, "f32") != 0 && strcmp(dtype, "f64") != 0) return false;
    p->dtype = strcmp(dtype, "f64") == 0 ? SG_F64 : SG_F32;
    return true;
}

/* Those that follow from the image: a gate, and a summand behind. */
static void add_sources(sg_problem *p) {
    bool gated = p->op == SG_OP_CHANNEL_SCALE, norm = p->op == SG_OP_BATCH_NORM;
    if (p->src_count != 1) return;
    if (gated) p->src[p->src_count++] = sg_shape4(p->src[0].dims[0], p->src[0].dims[1], 1, 1);
    if (p->fuse_sum && (gated || norm)) p->src[p->src_count++] = p->src[0];
}

sg_status sg_problem_parse(sg_problem *out, const char *text, sg_error *err) {
    char copy[SG_PROBLEM_TEXT], *save = NULL;
    if (strlen(text) >= sizeof copy)
        return sg_fail(err, SG_ERR_USAGE, "a problem line is longer than %d characters",
                SG_PROBLEM_TEXT - 1);
    memcpy(copy, text, strlen(text) + 1);
    sg_problem p = {0};
    char *token = strtok_r(copy, " \t\r\n", &save);
    if (!token || !parse_head(&p, token))
        return sg_fail(err, SG_ERR_USAGE,
                "problem \"%s\" must begin with operation:pass:type, as in conv:train:f32", text);
    while ((token = strtok_r(NULL, " \t\r\n", &save)) != NULL)
        if (!parse_token(&p, token))
            return sg_fail(err, SG_ERR_USAGE, "problem \"%s\": cannot read \"%s\"", text, token);
    add_sources(&p);
    sg_status status = sg_problem_infer(&p, err);
    if (status) return sg_fail_context(err, status, "problem \"%s\"", text);
    *out = p;
    return SG_OK;
}
