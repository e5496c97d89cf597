/* fuzz_space.c - any lines "name:text" are parameters of a search or clear refusals; accepted ones
 * come back from their text unchanged, and their points lie inside. SPDX-License-Identifier:
 * Apache-2.0 */
#include "tune/space.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_lines(sg_space *space, char *text) {
    for (char *line; (line = strsep(&text, "\n"));) {
        char *colon = strchr(line, ':');
        if (!colon) continue;
        *colon = '\0';
        if (sg_space_add(space, line, colon + 1, NULL)) continue;
    }
}

static void check_text(const sg_space *space) {
    sg_space back = {0};
    sg_str text, again;
    sg_str_init(&text, 0);
    sg_str_init(&again, 0);
    for (size_t i = 0; i < space->count; i++) {
        sg_str_clear(&text);
        sg_str_clear(&again);
        sg_dimension_put(&text, space, i);
        if (sg_space_add(&back, space->params[i].name, sg_str_text(&text), NULL)) abort();
        sg_dimension_put(&again, &back, i);
        if (strcmp(sg_str_text(&text), sg_str_text(&again)) != 0) abort();
    }
    sg_str_dispose(&text);
    sg_str_dispose(&again);
    sg_space_dispose(&back);
}

static void check_points(const sg_space *space) {
    double unit[SG_SPACE_MAX], point[SG_SPACE_MAX], again[SG_SPACE_MAX];
    for (int k = 0; k <= 4; k++) {
        for (size_t i = 0; i < space->count; i++) unit[i] = 0.25 * k;
        sg_space_from_unit(space, unit, point);
        for (size_t i = 0; i < space->count; i++) {
            const sg_dimension *p = &space->params[i];
            double high = p->choice_count ? (double)p->choice_count - 1 : p->high;
            if (isnan(point[i]) != !sg_space_active(space, point, i)) abort();
            if (!isnan(point[i]) &&
                    !(point[i] >= (p->choice_count ? 0 : p->low) && point[i] <= high))
                abort();
        }
        sg_space_to_unit(space, point, unit);
        sg_space_from_unit(space, unit, again);
        for (size_t i = 0; i < space->count; i++)
            if (space->params[i].choice_count && point[i] != again[i] && !isnan(point[i])) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sg_space space = {0};
    char *text = malloc(size + 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    add_lines(&space, text);
    check_text(&space);
    check_points(&space);
    sg_space_dispose(&space);
    free(text);
    return 0;
}
