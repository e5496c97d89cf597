/* survey.c - see survey.h. SPDX-License-Identifier: Apache-2.0 */
#include "data/survey.h"
#include "image/codec.h"
#include "image/grey.h"
#include <math.h>
#include <stdlib.h>

static int mirror(int i, int n) {
    if (n == 1) return 0;
    return i < 0 ? 1 : i >= n ? n - 2 : i;
}

/* Variance over all pixels of up + down + left + right - 4 centre. */
static double measure_sharpness(const sg_image *grey) {
    int w = grey->width, h = grey->height;
    double sum = 0, square = 0, n = (double)w * h;
    for (int y = 0; y < h; y++) {
        const uint8_t *row = grey->pixels + (size_t)y * (size_t)w;
        const uint8_t *up = grey->pixels + (size_t)mirror(y - 1, h) * (size_t)w;
        const uint8_t *down = grey->pixels + (size_t)mirror(y + 1, h) * (size_t)w;
        int64_t row_sum = 0, row_square = 0;
        for (int x = 0; x < w; x++) {
            int v = up[x] + down[x] + row[mirror(x - 1, w)] + row[mirror(x + 1, w)] - 4 * row[x];
            row_sum += v;
            row_square += (int64_t)v * v;
        }
        sum += (double)row_sum;
        square += (double)row_square;
    }
    return square / n - (sum / n) * (sum / n);
}

void sg_survey_measure(sg_survey *out, const sg_image *grey) {
    size_t n = sg_image_size(grey);
    uint64_t counts[SG_SURVEY_LEVELS] = {0};
    for (size_t i = 0; i < n; i++) counts[grey->pixels[i]]++;
    double mean = 0, variance = 0;
    for (int v = 0; v < SG_SURVEY_LEVELS; v++) {
        out->levels[v] = (double)counts[v] / (double)n;
        mean += out->levels[v] * v;
    }
    for (int v = 0; v < SG_SURVEY_LEVELS; v++) variance += out->levels[v] * (v - mean) * (v - mean);
    out->mean = mean;
    out->sd = sqrt(variance);
    out->relative = mean > 0 ? out->sd / mean : NAN;
    out->sharpness = measure_sharpness(grey);
}

typedef struct survey_work {
    const sg_manifest *manifest;
    sg_survey *results;
    size_t first;
} survey_work;

static sg_status survey_row(void *user, size_t item, sg_error *err) {
    survey_work *work = user;
    size_t row = work->first + item;
    char *file = sg_manifest_file(work->manifest, row);
    if (!file) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a survey");
    sg_image image = {0}, grey = {0};
    sg_status status = sg_image_read(&image, NULL, file, NULL, err);
    if (!status) status = sg_grey_convert(&grey, &image, err);
    if (!status) sg_survey_measure(&work->results[row], &grey);
    sg_image_dispose(&image);
    sg_image_dispose(&grey);
    free(file);
    return status;
}

sg_status sg_survey_run(sg_survey **out, const sg_manifest *manifest, sg_pool *pool,
        const sg_log *log, sg_error *err) {
    enum { BATCH = 64 };
    survey_work work = {manifest, calloc(manifest->count + 1, sizeof *work.results), 0};
    if (!work.results) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a survey");
    sg_status status = SG_OK;
    for (; work.first < manifest->count && !status; work.first += BATCH) {
        size_t left = manifest->count - work.first, batch = left < BATCH ? left : BATCH;
        status = sg_pool_for(pool, batch, survey_row, &work, err);
        sg_log_progress(
                log, "measuring images", (double)(work.first + batch), (double)manifest->count);
    }
    if (status)
        free(work.results);
    else
        *out = work.results;
    return status;
}
