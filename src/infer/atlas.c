/* atlas.c - see atlas.h. SPDX-License-Identifier: Apache-2.0 */
#include "infer/atlas.h"
#include "stats/interval.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Distances below `least` are rounding: such features are all the same. */
static const double limit_share = 0.95, least = 1e-5;

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for the features of training images");
}

void sg_atlas_destroy(sg_atlas *r) {
    if (!r) return;
    for (int m = 0; r->features && m < r->members; m++) free(r->features[m]);
    free(r->features);
    free(r->widths);
    free(r->trained);
    free(r->images);
    free(r);
}

sg_status sg_atlas_create(
        sg_atlas **out, size_t count, const size_t *widths, int members, sg_error *err) {
    sg_atlas *r = calloc(1, sizeof *r);
    if (!r) return no_memory(err);
    r->count = count;
    r->members = members;
    r->images = calloc(count + 1, sizeof *r->images);
    r->widths = calloc((size_t)members, sizeof *r->widths);
    r->features = calloc((size_t)members, sizeof *r->features);
    r->trained = calloc((size_t)members * count + 1, sizeof *r->trained);
    bool whole = r->images && r->widths && r->features && r->trained;
    for (int m = 0; m < members && whole; m++) {
        r->widths[m] = widths[m];
        r->features[m] = calloc(count * widths[m] + 1, sizeof(float));
        whole = r->features[m] != NULL;
    }
    if (!whole) {
        sg_atlas_destroy(r);
        return no_memory(err);
    }
    *out = r;
    return SG_OK;
}

static void make_unit(float *out, const float *in, size_t n) {
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += (double)in[i] * in[i];
    double scale = squares > 0 ? 1 / sqrt(squares) : 0;
    for (size_t i = 0; i < n; i++) out[i] = (float)(in[i] * scale);
}

void sg_atlas_set_features(sg_atlas *r, int member, size_t row, const float *raw) {
    make_unit(r->features[member] + row * r->widths[member], raw, r->widths[member]);
}

/* ---- nearest ---- */

typedef struct nearest {
    double distance[SG_NEIGHBOURS];
    size_t row[SG_NEIGHBOURS];
    int count;
} nearest;

/* Keeps the list rising and with one entry per group. */
static void offer(nearest *list, const sg_atlas *r, size_t row, double distance) {
    int at = 0;
    while (at < list->count && r->images[list->row[at]].group != r->images[row].group) at++;
    if (at < list->count) {
        if (distance >= list->distance[at]) return;
    } else if (list->count < SG_NEIGHBOURS) {
        at = list->count++;
    } else {
        at = SG_NEIGHBOURS - 1;
        if (distance >= list->distance[at]) return;
    }
    for (; at > 0 && list->distance[at - 1] > distance; at--) {
        list->distance[at] = list->distance[at - 1];
        list->row[at] = list->row[at - 1];
    }
    list->distance[at] = distance;
    list->row[at] = row;
}

static double cosine_distance(const float *a, const float *b, size_t n) {
    float dot = 0;
    for (size_t i = 0; i < n; i++) dot += a[i] * b[i];
    return fmax(0.0, 1.0 - (double)dot);
}

/* Mean distance to the member's nearest training images; those of group `but` do not count (-1:
 * all do). NaN when it has none. sums and counts [count] gather each image's distance, or NULL. */
static double member_distance(
        const sg_atlas *r, int m, const float *unit, int64_t but, double *sums, unsigned *counts) {
    nearest list = {.count = 0};
    double sum = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (!r->trained[(size_t)m * r->count + i] || (int64_t)r->images[i].group == but) continue;
        double d = cosine_distance(r->features[m] + i * r->widths[m], unit, r->widths[m]);
        offer(&list, r, i, d);
        if (sums) {
            sums[i] += d;
            counts[i]++;
        }
    }
    for (int k = 0; k < list.count; k++) sum += list.distance[k];
    return list.count ? sum / list.count : NAN;
}

sg_status sg_atlas_ask(
        sg_resemblance *out, const sg_atlas *r, const float *const *raw, sg_error *err) {
    size_t widest = 0;
    for (int m = 0; m < r->members; m++)
        if (r->widths[m] > widest) widest = r->widths[m];
    float *unit = malloc((widest + 1) * sizeof *unit);
    double *sums = calloc(r->count + 1, sizeof *sums);
    unsigned *counts = calloc(r->count + 1, sizeof *counts);
    sg_status st = unit && sums && counts ? SG_OK : no_memory(err);
    double sum = 0;
    nearest list = {.count = 0};
    for (int m = 0; m < r->members && !st; m++) {
        make_unit(unit, raw[m], r->widths[m]);
        sum += member_distance(r, m, unit, -1, sums, counts);
    }
    for (size_t i = 0; i < r->count && !st; i++)
        if (counts[i]) offer(&list, r, i, sums[i] / counts[i]);
    if (!st) {
        *out = (sg_resemblance){.distance = sum / r->members, .count = list.count};
        for (int k = 0; k < list.count; k++)
            out->neighbours[k] = (sg_neighbour){&r->images[list.row[k]], list.distance[k]};
    }
    free(unit);
    free(sums);
    free(counts);
    return st;
}

/* ---- the limit ---- */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Distances of the images in which[members][count], each against groups other than its own. */
static size_t measure(double *out, const sg_atlas *r, const bool *which) {
    size_t n = 0;
    for (int m = 0; m < r->members; m++)
        for (size_t i = 0; i < r->count; i++) {
            if (!which[(size_t)m * r->count + i]) continue;
            const float *unit = r->features[m] + i * r->widths[m];
            out[n] = member_distance(r, m, unit, r->images[i].group, NULL, NULL);
            n += !isnan(out[n]);
        }
    return n;
}

sg_status sg_atlas_learn(sg_atlas *r, const bool *held_out, sg_error *err) {
    double *distances = malloc(((size_t)r->members * r->count + 1) * sizeof *distances);
    if (!distances) return no_memory(err);
    sg_status st = SG_OK;
    size_t n = measure(distances, r, held_out);
    r->held_out = n >= SG_ATLAS_FEWEST;
    if (!r->held_out) n = measure(distances, r, r->trained);
    if (n < SG_ATLAS_FEWEST) {
        st = sg_fail(err, SG_ERR_INPUT,
                "%zu images are too few to learn how far apart images of the domain are; %d are "
                "needed",
                n, SG_ATLAS_FEWEST);
    } else {
        qsort(distances, n, sizeof *distances, by_value);
        r->limit = sg_quantile_sorted(distances, n, limit_share);
        r->measured = n;
        if (!(r->limit >= least))
            st = sg_fail(err, SG_ERR_INPUT, "the features of the training images do not differ");
    }
    free(distances);
    return st;
}

/* ---- in a bundle ---- */

char *sg_atlas_tensor_name(int member) {
    return sg_strdupf("atlas.member%d.features", member);
}

/* One entry: [sha256, class, group, "101": the members trained on it]. */
static json_t *image_to_json(const sg_atlas *r, size_t i) {
    char *members = calloc((size_t)r->members + 1, 1);
    if (!members) return NULL;
    for (int m = 0; m < r->members; m++)
        members[m] = r->trained[(size_t)m * r->count + i] ? '1' : '0';
    json_t *entry = json_pack("[s, i, I, s]", r->images[i].sha256, r->images[i].label,
            (json_int_t)r->images[i].group, members);
    free(members);
    return entry;
}

json_t *sg_atlas_to_json(const sg_atlas *r) {
    json_t *images = json_array();
    for (size_t i = 0; i < r->count; i++) json_array_append_new(images, image_to_json(r, i));
    if (json_array_size(images) != r->count) {
        json_decref(images);
        return NULL;
    }
    return json_pack("{s:f, s:I, s:s, s:o}", "limit", r->limit, "measured", (json_int_t)r->measured,
            "learned_from", r->held_out ? "held-out images" : "training images", "images", images);
}

static bool image_from_json(sg_atlas *r, size_t i, const json_t *entry, int classes) {
    const char *sha = json_string_value(json_array_get(entry, 0));
    const char *members = json_string_value(json_array_get(entry, 3));
    json_int_t label = json_integer_value(json_array_get(entry, 1));
    json_int_t group = json_integer_value(json_array_get(entry, 2));
    sg_atlas_image *image = &r->images[i];
    if (!sha || strlen(sha) != sizeof image->sha256 - 1 || !members ||
            strlen(members) != (size_t)r->members || label < 0 || label >= classes || group < 0 ||
            group > UINT32_MAX)
        return false;
    memcpy(image->sha256, sha, sizeof image->sha256);
    image->label = (int)label;
    image->group = (uint32_t)group;
    for (int m = 0; m < r->members; m++) r->trained[(size_t)m * r->count + i] = members[m] == '1';
    return true;
}

/* The features' tensors, each [count][width]. */
static sg_status find_tensors(const sg_tensor **tensors, size_t *widths, const sg_safetensors *file,
        int members, size_t count, sg_error *err) {
    for (int m = 0; m < members; m++) {
        char *name = sg_atlas_tensor_name(m);
        if (!name) return no_memory(err);
        tensors[m] = sg_safetensors_find(file, name);
        free(name);
        const sg_tensor *t = tensors[m];
        if (!t || t->shape.rank != 2 || t->shape.dims[0] != (int64_t)count || t->shape.dims[1] < 1)
            return sg_fail(err, SG_ERR_FORMAT,
                    "the section 'atlas' lists %zu images, and the features of member %d are not "
                    "theirs",
                    count, m);
        widths[m] = (size_t)t->shape.dims[1];
    }
    return SG_OK;
}

static sg_status fill_features(sg_atlas *r, const sg_tensor *tensor, int m, sg_error *err) {
    bool sound = true;
    sg_status st = sg_tensor_to_f32(r->features[m], tensor, err);
    if (st) return st;
    for (size_t k = 0; k < r->count * r->widths[m]; k++)
        sound = sound && fabsf(r->features[m][k]) <= 1.01f;
    return sound ? SG_OK
                 : sg_fail(err, SG_ERR_FORMAT,
                           "features of member %d are not of unit length; the file is damaged", m);
}

static sg_status fill(
        sg_atlas *r, const json_t *section, const sg_tensor **tensors, int classes, sg_error *err) {
    const json_t *images = json_object_get(section, "images");
    const char *from = json_string_value(json_object_get(section, "learned_from"));
    r->limit = json_number_value(json_object_get(section, "limit"));
    r->measured = (size_t)json_integer_value(json_object_get(section, "measured"));
    r->held_out = from && strcmp(from, "held-out images") == 0;
    if (!(r->limit > 0 && r->limit <= 2))
        return sg_fail(err, SG_ERR_FORMAT, "the section 'atlas' has no usable limit");
    for (size_t i = 0; i < r->count; i++)
        if (!image_from_json(r, i, json_array_get(images, i), classes))
            return sg_fail(
                    err, SG_ERR_FORMAT, "image %zu of the section 'atlas' is damaged", i + 1);
    sg_status st = SG_OK;
    for (int m = 0; m < r->members && !st; m++) st = fill_features(r, tensors[m], m, err);
    return st;
}

sg_status sg_atlas_from_json(sg_atlas **out, const json_t *section, const sg_safetensors *file,
        int members, int classes, sg_error *err) {
    size_t count = json_array_size(json_object_get(section, "images"));
    const sg_tensor **tensors = calloc((size_t)members, sizeof(*tensors));
    size_t *widths = calloc((size_t)members, sizeof *widths);
    sg_atlas *r = NULL;
    sg_status st = tensors && widths ? SG_OK : no_memory(err);
    if (!st && !count) st = sg_fail(err, SG_ERR_FORMAT, "the section 'atlas' lists no images");
    if (!st) st = find_tensors(tensors, widths, file, members, count, err);
    if (!st) st = sg_atlas_create(&r, count, widths, members, err);
    if (!st) st = fill(r, section, tensors, classes, err);
    free(tensors);
    free(widths);
    if (st)
        sg_atlas_destroy(r);
    else
        *out = r;
    return st;
}
