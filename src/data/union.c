/* union.c - see union.h. SPDX-License-Identifier: Apache-2.0 */
#include "data/union.h"
#include <stdlib.h>
#include <string.h>

sg_status sg_union_init(sg_union *u, size_t n, sg_error *err) {
    if (n > UINT32_MAX)
        return sg_fail(err, SG_ERR_USAGE, "%zu items are more than a union can number.", n);
    uint32_t *parent = malloc((n ? n : 1) * sizeof *parent);
    if (!parent)
        return sg_fail(err, SG_ERR_MEMORY, "Out of memory for the groups of %zu images.", n);
    for (size_t i = 0; i < n; i++) parent[i] = (uint32_t)i;
    *u = (sg_union){parent, n};
    return SG_OK;
}

void sg_union_dispose(sg_union *u) {
    if (!u) return;
    free(u->parent);
    *u = (sg_union){0};
}

uint32_t sg_union_find(sg_union *u, uint32_t item) {
    while (u->parent[item] != item) {
        u->parent[item] = u->parent[u->parent[item]];
        item = u->parent[item];
    }
    return item;
}

/* The smaller number stays the root, so that results do not depend on the order of joins. */
void sg_union_join(sg_union *u, uint32_t a, uint32_t b) {
    a = sg_union_find(u, a);
    b = sg_union_find(u, b);
    if (a < b)
        u->parent[b] = a;
    else
        u->parent[a] = b;
}

size_t sg_union_number(sg_union *u, int *numbers) {
    size_t sets = 0;
    for (size_t i = 0; i < u->n; i++) {
        uint32_t root = sg_union_find(u, (uint32_t)i);
        numbers[i] = root == i ? (int)sets++ : numbers[root];
    }
    return sets;
}

typedef struct labelled {
    const char *text;
    uint32_t item;
} labelled;

static int compare_labels(const void *a, const void *b) {
    const labelled *x = a, *y = b;
    int difference = strcmp(x->text, y->text);
    return difference ? difference : (x->item > y->item) - (x->item < y->item);
}

sg_status sg_union_join_equal(sg_union *u, sg_union_text text_of, const void *user, sg_error *err) {
    labelled *list = calloc(u->n + 1, sizeof *list);
    if (!list)
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for the groups of %zu images", u->n);
    size_t named = 0;
    for (size_t i = 0; i < u->n; i++) {
        const char *text = text_of(user, i);
        if (text) list[named++] = (labelled){text, (uint32_t)i};
    }
    qsort(list, named, sizeof *list, compare_labels);
    for (size_t i = 1; i < named; i++)
        if (strcmp(list[i].text, list[i - 1].text) == 0)
            sg_union_join(u, list[i - 1].item, list[i].item);
    free(list);
    return SG_OK;
}
