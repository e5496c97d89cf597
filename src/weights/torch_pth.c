/* torch_pth.c - see torch_pth.h. Finds the pickle, then the storages, then lays names on tensors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/torch_pth.h"
#include "weights/pickle.h"
#include "weights/zip_stored.h"
#include <stdlib.h>
#include <string.h>

enum { WRAPPERS_DEEP = 3, NAME_SHOWN = 100, COUNT_BYTES = 8 };

/* Pickle of the number 0x1950a86a20f9469cfc6c, with which the legacy form begins. */
static const uint8_t legacy_magic[] = {
        0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

/* What surrounds state dicts in checkpoints, in the order of preference. */
static const char *const wrappers[] = {
        "state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model", "net", "weights"};

typedef struct storage {
    const char *key;
    uint32_t key_length;
    const uint8_t *data;
    size_t size;
} storage;

typedef struct reader {
    sg_weight_set *set;
    const char *path;
    sg_pickle pickle;  /* of the object */
    sg_zip_stored zip; /* zip form */
    const char *folder;
    size_t folder_length;
    storage *storages; /* legacy form, sorted by key */
    size_t storage_count;
} reader;

bool sg_pth_is(const uint8_t *bytes, size_t size) {
    return sg_zip_stored_is(bytes, size) ||
           (size >= sizeof legacy_magic && memcmp(bytes, legacy_magic, sizeof legacy_magic) == 0);
}

/* ---- storages ---- */

static int by_key(const void *a, const void *b) {
    const storage *x = a, *y = b;
    uint32_t n = x->key_length < y->key_length ? x->key_length : y->key_length;
    int order = memcmp(x->key, y->key, n);
    return order ? order : (x->key_length > y->key_length) - (x->key_length < y->key_length);
}

static sg_status bad_storage(
        const reader *r, const char *key, uint32_t length, const char *what, sg_error *err) {
    return sg_fail(err, SG_ERR_FORMAT, "%s: storage %.*s %s", r->path,
            (int)(length < NAME_SHOWN ? length : NAME_SHOWN), key, what);
}

static sg_status find_storage(
        const reader *r, const sg_pickle_node *node, const uint8_t **data, sg_error *err) {
    size_t size = 0;
    *data = NULL;
    if (r->zip.count) {
        char *name = sg_strdupf("data/%.*s", (int)node->length, node->text);
        if (!name) return sg_fail(err, SG_ERR_MEMORY, "out of memory reading %s", r->path);
        const sg_zip_stored_entry *e =
                sg_zip_stored_find(&r->zip, r->folder, r->folder_length, name, strlen(name));
        free(name);
        if (e) {
            *data = e->data;
            size = e->size;
        }
    } else if (r->storage_count) {
        storage key = {.key = node->text, .key_length = node->length};
        const storage *s =
                bsearch(&key, r->storages, r->storage_count, sizeof *r->storages, by_key);
        if (s) {
            *data = s->data;
            size = s->size;
        }
    }
    if (!*data) return bad_storage(r, node->text, node->length, "is not in the file", err);
    size_t item = sg_dtype_size(node->dtype);
    if (size % item || size / item != (uint64_t)node->number)
        return bad_storage(r, node->text, node->length, "has another size than it says", err);
    return SG_OK;
}

/* ---- tensors ---- */

static bool read_dims(
        int64_t dims[SG_MAX_RANK], int *rank, const sg_pickle *p, const sg_pickle_node *tuple) {
    *rank = 0;
    if (tuple->count > SG_MAX_RANK) return false;
    for (int32_t link = tuple->first; link >= 0; link = p->links[link].next) {
        const sg_pickle_node *n = &p->nodes[p->links[link].node];
        if (n->kind != SG_PICKLE_INT || n->number < 0) return false;
        dims[(*rank)++] = n->number;
    }
    return true;
}

/* Does a tensor that starts at `offset` stay within `limit` elements? */
static bool is_inside(
        const sg_shape *shape, const int64_t *strides, int64_t offset, int64_t limit) {
    if (offset < 0 || offset > limit) return false;
    if (sg_shape_count(shape) == 0) return true;
    int64_t last = offset, step;
    for (int i = 0; i < shape->rank; i++)
        if (__builtin_mul_overflow(shape->dims[i] - 1, strides[i], &step) ||
                __builtin_add_overflow(last, step, &last) || last >= limit)
            return false;
    return last < limit;
}

static bool is_dense(const sg_shape *shape, const int64_t *strides) {
    int64_t expected = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        if (shape->dims[i] != 1 && strides[i] != expected) return false;
        expected *= shape->dims[i];
    }
    return true;
}

/* Elements picked by their strides, which are those of dimensions longer than one, into a block of
 * their own. */
static void gather(sg_tensor *to, const uint8_t *from, const int64_t *strides) {
    size_t item = sg_dtype_size(to->dtype);
    int64_t at[SG_MAX_RANK] = {0}, n = sg_shape_count(&to->shape), place = 0;
    for (int64_t i = 0; i < n; i++) {
        memcpy((uint8_t *)to->data + (size_t)i * item, from + (size_t)place * item, item);
        for (int d = to->shape.rank - 1; d >= 0; d--) {
            place += strides[d];
            if (++at[d] < to->shape.dims[d]) break;
            place -= strides[d] * to->shape.dims[d];
            at[d] = 0;
        }
    }
}

static sg_status take_elements(reader *r, sg_tensor *t, const uint8_t *from, int64_t *strides,
        int64_t available, const char *name, sg_error *err) {
    int64_t elements = sg_shape_count(&t->shape);
    if (elements == 0 || is_dense(&t->shape, strides)) {
        t->data = (void *)(uintptr_t)from;
        return SG_OK;
    }
    size_t bytes = (size_t)elements * sg_dtype_size(t->dtype);
    sg_status st = sg_weight_set_allow(r->set, bytes, r->path, err);
    if (st && elements > available)
        return sg_fail(err, st,
                "%s: tensor %s is a view that repeats few numbers (expand) beyond the file's size; "
                "in PyTorch, save it with .contiguous()",
                r->path, name);
    sg_tensor copy;
    if (!st) st = sg_tensor_create(&copy, t->dtype, &t->shape, err);
    if (st) return st;
    gather(&copy, from, strides);
    *t = copy;
    return SG_OK;
}

static sg_status read_tensor(
        reader *r, const char *name, const sg_pickle_node *node, sg_tensor *out, sg_error *err) {
    const sg_pickle *p = &r->pickle;
    const sg_pickle_node *from = sg_pickle_item(p, node, 0);
    const uint8_t *data;
    sg_status st = find_storage(r, from, &data, err);
    if (st) return st;
    sg_tensor t = {.dtype = from->dtype};
    int64_t strides[SG_MAX_RANK], elements;
    int rank;
    if (!read_dims(t.shape.dims, &t.shape.rank, p, sg_pickle_item(p, node, 1)) ||
            !read_dims(strides, &rank, p, sg_pickle_item(p, node, 2)) || rank != t.shape.rank)
        return sg_fail(err, SG_ERR_FORMAT,
                "%s: tensor %s has no sizes and strides in equal number, at most %d", r->path, name,
                SG_MAX_RANK);
    st = sg_shape_elements(&elements, &t.shape, err);
    if (st) return sg_fail_context(err, st, "%s: tensor %s", r->path, name);
    for (int i = 0; i < rank; i++)
        if (t.shape.dims[i] <= 1) strides[i] = 0;
    if (!is_inside(&t.shape, strides, node->number, from->number))
        return sg_fail(
                err, SG_ERR_FORMAT, "%s: tensor %s reaches beyond its storage", r->path, name);
    data += (size_t)node->number * sg_dtype_size(t.dtype);
    st = take_elements(r, &t, data, strides, from->number, name, err);
    if (!st) *out = t;
    return st;
}

/* ---- the state dict ---- */

static bool has_tensors(const sg_pickle *p, const sg_pickle_node *dict) {
    if (!dict || dict->kind != SG_PICKLE_DICT) return false;
    for (int32_t link = dict->first; link >= 0; link = p->links[link].next)
        if (p->nodes[p->links[link].node].kind == SG_PICKLE_TENSOR) return true;
    return false;
}

/* The dictionary of tensors: under a wrapper's key, however they are nested, else the root. */
static const sg_pickle_node *find_state(const sg_pickle *p, const char **wrapper) {
    const sg_pickle_node *dict = sg_pickle_root(p), *below;
    for (int depth = 0; depth < WRAPPERS_DEEP; depth++) {
        const sg_pickle_node *next = NULL;
        for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers && !next; i++) {
            below = sg_pickle_get(p, dict, wrappers[i]);
            if (!below || below->kind != SG_PICKLE_DICT || !below->count) continue;
            next = below;
            *wrapper = wrappers[i];
        }
        if (!next) break;
        dict = next;
    }
    return has_tensors(p, dict) ? dict : NULL;
}

static sg_status no_state(const reader *r, sg_error *err) {
    return sg_fail(err, SG_ERR_FORMAT,
            "%s holds no state dict; in PyTorch, save one: torch.save(model.state_dict(), FILE)",
            r->path);
}

static sg_status read_state(reader *r, sg_error *err) {
    const sg_pickle *p = &r->pickle;
    const sg_pickle_node *dict = find_state(p, &r->set->wrapper);
    if (!dict) return no_state(r, err);
    sg_status st = SG_OK;
    for (int32_t link = dict->first; link >= 0 && !st; link = p->links[link].next) {
        const sg_pickle_node *key = &p->nodes[p->links[link].node];
        link = p->links[link].next;
        const sg_pickle_node *value = &p->nodes[p->links[link].node];
        if (value->kind != SG_PICKLE_TENSOR || key->kind != SG_PICKLE_TEXT) {
            r->set->skipped++;
            continue;
        }
        char *name = sg_strdupf(
                "%.*s", (int)(key->length < NAME_SHOWN ? key->length : NAME_SHOWN), key->text);
        sg_tensor t = {0};
        st = name ? read_tensor(r, name, value, &t, err)
                  : sg_fail(err, SG_ERR_MEMORY, "out of memory reading %s", r->path);
        free(name);
        if (!st) st = sg_weight_set_add(r->set, key->text, key->length, &t, r->path, err);
        if (st) sg_tensor_dispose(&t);
    }
    return !st && !r->set->count ? no_state(r, err) : st;
}

/* ---- the zip form ---- */

static const sg_zip_stored_entry *find_file(const reader *r, const char *name) {
    return sg_zip_stored_find(&r->zip, r->folder, r->folder_length, name, strlen(name));
}

/* All lies in one folder: that of the one "data.pkl". */
static sg_status find_folder(reader *r, sg_error *err) {
    static const char file[] = "/data.pkl";
    size_t n = sizeof file - 1;
    for (size_t i = 0; i < r->zip.count; i++) {
        const sg_zip_stored_entry *e = &r->zip.entries[i];
        if (e->name_length <= n || memcmp(e->name + e->name_length - n, file, n) != 0) continue;
        if (memchr(e->name, '/', e->name_length - n)) continue;
        if (r->folder)
            return sg_fail(err, SG_ERR_FORMAT, "%s: two folders hold a data.pkl", r->path);
        r->folder = e->name;
        r->folder_length = e->name_length - n;
    }
    if (!r->folder)
        return sg_fail(err, SG_ERR_FORMAT,
                "%s is a zip archive without data.pkl, so PyTorch did not write it", r->path);
    if (find_file(r, "constants.pkl"))
        return sg_fail(err, SG_ERR_INPUT,
                "%s is a TorchScript archive, a program; in PyTorch, save its weights: "
                "torch.save(torch.jit.load(FILE).state_dict(), OTHER)",
                r->path);
    const sg_zip_stored_entry *order = find_file(r, "byteorder");
    if (order && (order->size != 6 || memcmp(order->data, "little", 6) != 0))
        return sg_fail(err, SG_ERR_INPUT,
                "%s was written on a big-endian machine, which is not read here", r->path);
    return SG_OK;
}

static sg_status read_zip_form(reader *r, bool check_digest, sg_error *err) {
    const sg_file_map *map = &r->set->map;
    size_t used;
    r->set->format = "PyTorch zip";
    sg_status st = sg_zip_stored_open(&r->zip, map->data, map->size, check_digest, r->path, err);
    if (!st) st = find_folder(r, err);
    if (st) return st;
    const sg_zip_stored_entry *e = find_file(r, "data.pkl");
    st = sg_pickle_parse(&r->pickle, &used, e->data, e->size, r->path, err);
    if (st) return st;
    if (used != e->size) return sg_fail(err, SG_ERR_FORMAT, "%s: bytes follow its pickle", r->path);
    return read_state(r, err);
}

/* ---- the legacy form ---- */

/* One of the small pickles in front and behind; *at moves past it. */
static sg_status parse_next(sg_pickle *out, const reader *r, size_t *at, sg_error *err) {
    const sg_file_map *map = &r->set->map;
    size_t used;
    sg_status st = sg_pickle_parse(out, &used, map->data + *at, map->size - *at, r->path, err);
    if (!st) *at += used;
    return st;
}

static sg_status check_version(const reader *r, size_t *at, sg_error *err) {
    enum { VERSION = 1001 };
    sg_pickle p;
    sg_status st = parse_next(&p, r, at, err);
    if (st) return st;
    const sg_pickle_node *n = sg_pickle_root(&p);
    if (n->kind != SG_PICKLE_INT || n->number != VERSION)
        st = sg_fail(
                err, SG_ERR_INPUT, "%s: legacy form of another version than %d", r->path, VERSION);
    sg_pickle_dispose(&p);
    return st;
}

static sg_status check_system(const reader *r, size_t *at, sg_error *err) {
    sg_pickle p;
    sg_status st = parse_next(&p, r, at, err);
    if (st) return st;
    const sg_pickle_node *little = sg_pickle_get(&p, sg_pickle_root(&p), "little_endian");
    if (!little || little->kind != SG_PICKLE_BOOL || !little->number)
        st = sg_fail(err, SG_ERR_INPUT,
                "%s does not say that it was written on a little-endian machine", r->path);
    sg_pickle_dispose(&p);
    return st;
}

/* Each storage that tensors lie in, once. */
static sg_status collect_storages(reader *r, sg_error *err) {
    const sg_pickle *p = &r->pickle;
    r->storages = calloc(p->node_count, sizeof *r->storages);
    if (!r->storages) return sg_fail(err, SG_ERR_MEMORY, "out of memory reading %s", r->path);
    size_t n = 0;
    for (size_t i = 0; i < p->node_count; i++) {
        const sg_pickle_node *node = &p->nodes[i];
        if (node->kind != SG_PICKLE_STORAGE) continue;
        size_t bytes;
        if (__builtin_mul_overflow((size_t)node->number, sg_dtype_size(node->dtype), &bytes))
            return bad_storage(r, node->text, node->length, "is larger than any file", err);
        r->storages[n++] = (storage){node->text, node->length, NULL, bytes};
    }
    if (n) qsort(r->storages, n, sizeof *r->storages, by_key);
    for (size_t i = 0; i < n; i++) {
        storage *last = r->storage_count ? &r->storages[r->storage_count - 1] : NULL;
        if (!last || by_key(last, &r->storages[i]) != 0)
            r->storages[r->storage_count++] = r->storages[i];
        else if (last->size != r->storages[i].size)
            return bad_storage(r, last->key, last->key_length, "is described in two ways", err);
    }
    return SG_OK;
}

/* Behind the list of keys, for each: the number of elements, then the elements. */
static sg_status place_storages(reader *r, const sg_pickle *keys, size_t at, sg_error *err) {
    const sg_file_map *map = &r->set->map;
    const sg_pickle_node *list = sg_pickle_root(keys);
    if (list->kind != SG_PICKLE_LIST)
        return sg_fail(err, SG_ERR_FORMAT, "%s: its list of storages is missing", r->path);
    for (int32_t link = list->first; link >= 0; link = keys->links[link].next) {
        const sg_pickle_node *n = &keys->nodes[keys->links[link].node];
        if (n->kind != SG_PICKLE_TEXT)
            return sg_fail(err, SG_ERR_FORMAT, "%s: a storage's key is no text", r->path);
        storage key = {.key = n->text, .key_length = n->length};
        storage *s = r->storage_count ? bsearch(&key, r->storages, r->storage_count,
                                                sizeof *r->storages, by_key)
                                      : NULL;
        if (!s || s->data)
            return bad_storage(
                    r, n->text, n->length, s ? "comes twice" : "belongs to no tensor", err);
        if (map->size - at < COUNT_BYTES || map->size - at - COUNT_BYTES < s->size)
            return bad_storage(r, n->text, n->length, "reaches beyond the file (truncated?)", err);
        s->data = map->data + at + COUNT_BYTES;
        at += COUNT_BYTES + s->size;
    }
    return at == map->size
                   ? SG_OK
                   : sg_fail(err, SG_ERR_FORMAT, "%s: bytes follow its last storage", r->path);
}

static sg_status read_legacy_form(reader *r, sg_error *err) {
    size_t at = sizeof legacy_magic;
    sg_pickle keys = {0};
    r->set->format = "PyTorch legacy";
    sg_status st = check_version(r, &at, err);
    if (!st) st = check_system(r, &at, err);
    if (!st) st = parse_next(&r->pickle, r, &at, err);
    if (!st) st = parse_next(&keys, r, &at, err);
    if (!st) st = collect_storages(r, err);
    if (!st) st = place_storages(r, &keys, at, err);
    sg_pickle_dispose(&keys);
    return st ? st : read_state(r, err);
}

sg_status sg_pth_read(sg_weight_set *set, const char *path, bool check_digest, sg_error *err) {
    reader r = {.set = set, .path = path};
    sg_status st = sg_zip_stored_is(set->map.data, set->map.size)
                           ? read_zip_form(&r, check_digest, err)
                           : read_legacy_form(&r, err);
    sg_pickle_dispose(&r.pickle);
    sg_zip_stored_close(&r.zip);
    free(r.storages);
    return st;
}
