/* phantom_set.c - a whole phantom set on disk. The plan (which number is an original, which a copy
 * of what) is drawn first; then every image is made on its own, in any order. The set is built
 * beside its place and moved there when whole. SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "base/file.h"
#include "data/phantom.h"
#include "data/phantom_scene.h"
#include "image/codec.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum kind { ORIGINAL, DUPLICATE, CONFLICT } kind;
static const char *const kind_names[] = {"original", "duplicate", "conflict"};

/* One image to be made. */
typedef struct entry {
    sg_phantom_class class, source_class;
    uint32_t index, source_index;
    kind kind;
    bool exact; /* the source's own pixels, its marks included */
    const char *finding;
    sg_phantom_copy copy;
} entry;

typedef struct set {
    const char *dir;
    sg_phantom_options options;
    entry *entries; /* [3 * per_class] */
    size_t count;
    const sg_log *log;
    pthread_mutex_t lock; /* of `done`, and of the log */
    size_t done;
} set;

static sg_status check_options(const sg_phantom_options *o, sg_error *err) {
    if (o->per_class < 1 || o->per_class > 100000)
        return sg_fail(
                err, SG_ERR_USAGE, "%d phantoms per class is outside 1..100000", o->per_class);
    if (!(o->duplicates >= 0.0 && o->duplicates <= 0.5))
        return sg_fail(
                err, SG_ERR_USAGE, "the share of duplicates %g is outside 0..0.5", o->duplicates);
    if (!(o->conflicts >= 0.0 && o->conflicts <= 0.5))
        return sg_fail(
                err, SG_ERR_USAGE, "the share of conflicts %g is outside 0..0.5", o->conflicts);
    if (!(o->marks >= 0.0 && o->marks <= 1.0))
        return sg_fail(err, SG_ERR_USAGE, "the share of marks %g is outside 0..1", o->marks);
    return SG_OK;
}

/* Draws the plan. Originals keep their number whatever the shares, so sets can be compared. */
static sg_status plan_set(set *s, sg_error *err) {
    const sg_phantom_options *o = &s->options;
    uint32_t n = (uint32_t)o->per_class;
    uint32_t duplicates = (uint32_t)lround(o->duplicates * n);
    uint32_t conflicts = (uint32_t)lround(o->conflicts * n);
    if (duplicates + conflicts >= n && duplicates + conflicts > 0)
        return sg_fail(err, SG_ERR_USAGE,
                "with %u duplicates and %u conflicts among %u images per class no original is "
                "left; "
                "lower the shares or make more images",
                duplicates, conflicts, n);
    uint32_t copies = duplicates + conflicts;
    uint32_t *order = malloc(SG_PHANTOM_CLASSES * n * sizeof *order);
    s->entries = calloc((size_t)SG_PHANTOM_CLASSES * n, sizeof *s->entries);
    if (!order || !s->entries) {
        free(order);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for a plan of %u phantoms", 3 * n);
    }
    s->count = (size_t)SG_PHANTOM_CLASSES * n;
    for (uint32_t c = 0; c < SG_PHANTOM_CLASSES; c++) {
        sg_rng rng = sg_phantom_rng(o->seed, c, UINT32_MAX, SG_PHANTOM_COPY);
        for (uint32_t i = 0; i < n; i++) order[c * n + i] = i;
        sg_rng_shuffle(&rng, order + c * n, n);
    }
    for (uint32_t c = 0; c < SG_PHANTOM_CLASSES; c++) {
        for (uint32_t i = 0; i < n; i++) {
            uint32_t index = order[c * n + i];
            sg_rng rng = sg_phantom_rng(o->seed, c, index, SG_PHANTOM_COPY);
            entry *e = &s->entries[c * n + index];
            *e = (entry){.class = c,
                    .index = index,
                    .source_class = c,
                    .source_index = index,
                    .exact = true};
            sg_phantom_copy_draw_exact(&e->copy, o->size);
            if (i >= copies) continue;
            e->kind = i < duplicates ? DUPLICATE : CONFLICT;
            if (e->kind == CONFLICT)
                e->source_class =
                        (c + 1 + sg_rng_below(&rng, SG_PHANTOM_CLASSES - 1)) % SG_PHANTOM_CLASSES;
            uint32_t pick = copies + sg_rng_below(&rng, n - copies);
            e->source_index = order[e->source_class * n + pick];
            e->exact = e->kind == CONFLICT && sg_rng_uniform(&rng) >= 0.7;
            if (!e->exact) sg_phantom_copy_draw(&e->copy, o->size, &rng);
        }
    }
    free(order);
    return SG_OK;
}

/* "benign/benign (3)" and a suffix. */
static void name_file(char *out, size_t size, sg_phantom_class c, uint32_t index, const char *end) {
    const char *class = sg_phantom_class_name(c);
    snprintf(out, size, "%s/%s (%u)%s", class, class, index + 1, end);
}

static sg_status save(
        const set *s, const entry *e, const sg_image *image, const char *end, sg_error *err) {
    char name[96];
    name_file(name, sizeof name, e->class, e->index, end);
    uint8_t *bytes = NULL;
    size_t size = 0;
    char *path = sg_path_join(s->dir, name);
    if (!path) return sg_fail(err, SG_ERR_MEMORY, "out of memory for the path of %s", name);
    sg_status status = sg_image_encode_png(&bytes, &size, image, err);
    if (!status) status = sg_file_append(path, bytes, size, false, err);
    free(bytes);
    free(path);
    return status;
}

/* Marks of an original, and so of its exact copies: a draw from the original's own stream. */
static sg_status mark_original(const set *s, entry *e, sg_phantom *p, sg_error *err) {
    sg_rng rng =
            sg_phantom_rng(s->options.seed, e->source_class, e->source_index, SG_PHANTOM_MARKS);
    if (sg_rng_uniform(&rng) >= s->options.marks) return SG_OK;
    return sg_phantom_mark_original(p, &e->copy.marks, &rng, err);
}

static sg_status make_entry(void *user, size_t i, sg_error *err) {
    set *s = user;
    entry *e = &s->entries[i];
    sg_phantom p = {0};
    sg_status status = sg_phantom_make(
            &p, e->source_class, e->source_index, s->options.seed, s->options.size, err);
    if (status) return status;
    e->finding = p.finding;
    if (e->exact) {
        status = mark_original(s, e, &p, err);
    } else {
        sg_rng rng = sg_phantom_rng(s->options.seed, e->class, e->index, SG_PHANTOM_MARKS);
        status = sg_phantom_copy_apply(&p, &e->copy, &rng, err);
    }
    if (!status && e->class == SG_PHANTOM_NORMAL)
        for (int k = 0; k < p.mask_count; k++)
            memset(p.masks[k].pixels, 0, sg_image_size(&p.masks[k]));
    if (!status) status = save(s, e, &p.image, ".png", err);
    for (int k = 0; !status && k < p.mask_count; k++)
        status = save(s, e, &p.masks[k], k ? "_mask_1.png" : "_mask.png", err);
    sg_phantom_dispose(&p);
    if (status) return status;
    pthread_mutex_lock(&s->lock);
    sg_log_progress(s->log, "phantoms", (double)++s->done, (double)s->count);
    pthread_mutex_unlock(&s->lock);
    return SG_OK;
}

/* Writes DIR/name and disposes of the text. */
static sg_status write_table(const set *s, const char *name, sg_str *text, sg_error *err) {
    char *path = sg_path_join(s->dir, name);
    sg_status status = sg_str_check(text, err);
    if (!status && !path) status = sg_fail(err, SG_ERR_MEMORY, "out of memory for a path");
    if (!status) status = sg_file_write(path, text->data, text->len, err);
    free(path);
    sg_str_dispose(text);
    return status;
}

/* "caliper:x,y,w,h;text:x,y,w,h" */
static void list_marks(char *out, size_t size, const sg_phantom_marks *marks) {
    *out = '\0';
    for (int i = 0; i < marks->count; i++) {
        const sg_phantom_mark *m = &marks->items[i];
        size_t used = strlen(out);
        snprintf(out + used, size - used, "%s%s:%d,%d,%d,%d", used ? ";" : "",
                sg_phantom_mark_name(m->kind), m->box.x, m->box.y, m->box.width, m->box.height);
    }
}

static sg_status write_truth(const set *s, sg_error *err) {
    sg_str text;
    sg_str_init(&text, 0);
    sg_str_append(&text, "path,class,kind,finding,source,m0,m1,m2,m3,m4,m5,gain,flip,marks\n");
    for (size_t i = 0; i < s->count; i++) {
        const entry *e = &s->entries[i];
        char name[96], marks[320];
        name_file(name, sizeof name, e->class, e->index, ".png");
        sg_csv_put(&text, name);
        sg_csv_put(&text, sg_phantom_class_name(e->class));
        sg_csv_put(&text, kind_names[e->kind]);
        sg_csv_put(&text, e->finding ? e->finding : "");
        name_file(name, sizeof name, e->source_class, e->source_index, ".png");
        sg_csv_put(&text, e->kind == ORIGINAL ? "" : name);
        for (int k = 0; k < 6; k++) sg_csv_put_double(&text, e->copy.affine[k]);
        sg_csv_put_double(&text, e->copy.gain);
        sg_csv_put_int(&text, e->copy.flip);
        list_marks(marks, sizeof marks, &e->copy.marks);
        sg_csv_put(&text, marks);
        sg_csv_end_row(&text);
    }
    return write_table(s, SG_PHANTOM_TRUTH, &text, err);
}

static sg_status write_marks(const set *s, sg_error *err) {
    sg_str text;
    sg_str_init(&text, 0);
    sg_str_append(&text, "path,kind,x,y,width,height\n");
    for (size_t i = 0; i < s->count; i++) {
        const entry *e = &s->entries[i];
        for (int k = 0; k < e->copy.marks.count; k++) {
            const sg_phantom_mark *m = &e->copy.marks.items[k];
            char name[96];
            name_file(name, sizeof name, e->class, e->index, ".png");
            sg_csv_put(&text, name);
            sg_csv_put(&text, sg_phantom_mark_name(m->kind));
            sg_csv_put_int(&text, m->box.x);
            sg_csv_put_int(&text, m->box.y);
            sg_csv_put_int(&text, m->box.width);
            sg_csv_put_int(&text, m->box.height);
            sg_csv_end_row(&text);
        }
    }
    return write_table(s, SG_PHANTOM_MARK_TABLE, &text, err);
}

static bool holds_truth(const char *dir) {
    char *path = sg_path_join(dir, SG_PHANTOM_TRUTH);
    bool there = path && sg_path_exists(path);
    free(path);
    return there;
}

/* Is there room for the set: an empty or absent folder, or, when allowed, an older phantom set with
 * nothing else beside it? */
static sg_status check_target(const char *dir, bool overwrite, sg_error *err) {
    if (!sg_path_exists(dir)) return SG_OK;
    bool empty = false;
    sg_status status = sg_dir_is_empty(&empty, dir, err);
    if (status || empty) return status;
    if (!holds_truth(dir))
        return sg_fail(err, SG_ERR_INPUT,
                "%s is not empty and holds no phantom set; name a new folder", dir);
    if (!overwrite)
        return sg_fail(err, SG_ERR_INPUT,
                "%s already holds a phantom set; name a new folder or add --overwrite", dir);
    return sg_phantom_check_owned(dir, err);
}

static sg_status fill_folder(set *s, sg_pool *pool, sg_error *err) {
    for (int c = 0; c < SG_PHANTOM_CLASSES; c++) {
        char *folder = sg_path_join(s->dir, sg_phantom_class_name(c));
        if (!folder) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a path");
        sg_status status = sg_dir_make(folder, err);
        free(folder);
        if (status) return status;
    }
    /* Written first too, so that what an interrupted run leaves is known for what it is. */
    sg_status status = write_truth(s, err);
    if (!status) status = sg_pool_for(pool, s->count, make_entry, s, err);
    if (!status) status = write_truth(s, err);
    if (!status) status = write_marks(s, err);
    return status;
}

/* The folder is looked at again: making images takes its time. */
static sg_status move_into_place(const char *from, const char *to, bool overwrite, sg_error *err) {
    sg_status status = check_target(to, overwrite, err);
    if (!status && sg_path_exists(to)) status = sg_dir_remove(to, err);
    if (status) return status;
    if (rename(from, to))
        return sg_fail(err, SG_ERR_IO, "cannot move %s to %s: %s", from, to, strerror(errno));
    return SG_OK;
}

sg_status sg_phantom_write_set(const char *dir, const sg_phantom_options *options, bool overwrite,
        sg_pool *pool, const sg_log *log, sg_error *err) {
    sg_status status = check_options(options, err);
    if (!status) status = check_target(dir, overwrite, err);
    if (status) return status;
    char *target = sg_strdup(dir), *partial = NULL;
    set s = {.options = *options, .log = log};
    if (target) {
        for (size_t n = strlen(target); n > 1 && target[n - 1] == '/'; n--) target[n - 1] = '\0';
        partial = sg_strdupf("%s.partial", target);
    }
    if (!partial) {
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory for the path of %s", dir);
        goto done;
    }
    s.dir = partial;
    if (sg_path_exists(partial)) {
        status = check_target(partial, true, err);
        if (!status) status = sg_dir_remove(partial, err);
    }
    if (!status) status = plan_set(&s, err);
    if (status) goto done;
    pthread_mutex_init(&s.lock, NULL);
    status = fill_folder(&s, pool, err);
    pthread_mutex_destroy(&s.lock);
    if (!status) status = move_into_place(partial, target, overwrite, err);
    if (status) (void)!sg_dir_remove(partial, NULL);
done:
    free(s.entries);
    free(partial);
    free(target);
    return status;
}

bool sg_phantom_is_member(const char *image_path) {
    return sg_path_marked_above(image_path, SG_PHANTOM_TRUTH);
}
