/* safetensors.c - see safetensors.h. Reading: map, check the header, tile the data. Writing:
 * header, then the tensors in canonical order. SPDX-License-Identifier: Apache-2.0 */
#include "weights/safetensors.h"
#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 100000000, PREFIX_BYTES = 8 };

static uint64_t read_u64(const uint8_t *p) {
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--) v = v << 8 | p[i];
    return v;
}

/* ---- reading ---- */

static sg_status bad(sg_error *err, const char *path, const char *what) {
    return sg_fail(err, SG_ERR_FORMAT, "%s is not a sound safetensors file: %s", path, what);
}

static sg_status parse_shape(
        sg_shape *out, const json_t *value, const char *path, const char *name, sg_error *err) {
    size_t rank = json_array_size(value);
    if (!json_is_array(value) || rank > SG_MAX_RANK)
        return sg_fail(err, SG_ERR_FORMAT, "%s: tensor %s has no list of at most %d dimensions",
                path, name, SG_MAX_RANK);
    out->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        const json_t *dim = json_array_get(value, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return sg_fail(err, SG_ERR_FORMAT, "%s: tensor %s has a dimension that is no count",
                    path, name);
        out->dims[i] = json_integer_value(dim);
    }
    return SG_OK;
}

/* One header entry: type, shape and place, checked against each other and the data's size. */
static sg_status parse_entry(sg_safetensors_entry *out, const char *name, const json_t *value,
        const uint8_t *data, uint64_t size, const char *path, sg_error *err) {
    const char *type = json_string_value(json_object_get(value, "dtype"));
    const json_t *offsets = json_object_get(value, "data_offsets");
    if (!json_is_object(value) || json_object_size(value) != 3 || !type ||
            json_array_size(offsets) != 2 || !json_is_integer(json_array_get(offsets, 0)) ||
            !json_is_integer(json_array_get(offsets, 1)))
        return sg_fail(err, SG_ERR_FORMAT,
                "%s: tensor %s must have exactly dtype, shape and two data_offsets", path, name);
    sg_tensor t = {0};
    if (!sg_dtype_from_name(&t.dtype, type))
        return sg_fail(err, SG_ERR_INPUT, "%s: tensor %s has type %s, which is not read here", path,
                name, type);
    sg_status st = parse_shape(&t.shape, json_object_get(value, "shape"), path, name, err);
    if (st) return st;
    int64_t elements;
    st = sg_shape_elements(&elements, &t.shape, err);
    if (st) return sg_fail_context(err, st, "%s: tensor %s", path, name);
    json_int_t begin = json_integer_value(json_array_get(offsets, 0));
    json_int_t end = json_integer_value(json_array_get(offsets, 1));
    if (begin < 0 || end < begin || (uint64_t)end > size)
        return sg_fail(
                err, SG_ERR_FORMAT, "%s: tensor %s lies outside the file's data", path, name);
    uint64_t room = (uint64_t)(end - begin), item = sg_dtype_size(t.dtype);
    if (room % item != 0 || room / item != (uint64_t)elements) {
        char text[SG_SHAPE_TEXT];
        return sg_fail(err, SG_ERR_FORMAT, "%s: tensor %s of %s %s does not fill its %llu bytes",
                path, name, type, sg_shape_text(text, &t.shape), (unsigned long long)room);
    }
    t.data = (void *)(data + begin);
    out->tensor = t;
    out->name = sg_strdup(name);
    return out->name ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory reading %s", path);
}

static int by_place(const void *a, const void *b) {
    const sg_tensor *x = &((const sg_safetensors_entry *)a)->tensor;
    const sg_tensor *y = &((const sg_safetensors_entry *)b)->tensor;
    if (x->data != y->data) return (const char *)x->data < (const char *)y->data ? -1 : 1;
    /* empty tensors share a place with their successor: they come first */
    int64_t n = sg_shape_count(&x->shape), m = sg_shape_count(&y->shape);
    return (n > m) - (n < m);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const sg_safetensors_entry *)a)->name, ((const sg_safetensors_entry *)b)->name);
}

static size_t tensor_bytes(const sg_tensor *t) {
    return (size_t)sg_shape_count(&t->shape) * sg_dtype_size(t->dtype);
}

/* The tensors must cover the data from its first to its last byte, once. */
static sg_status check_tiling(
        sg_safetensors *file, const uint8_t *data, size_t size, const char *path, sg_error *err) {
    if (file->count) qsort(file->entries, file->count, sizeof *file->entries, by_place);
    const uint8_t *next = data;
    for (size_t i = 0; i < file->count; i++) {
        const sg_safetensors_entry *e = &file->entries[i];
        if ((const uint8_t *)e->tensor.data != next)
            return sg_fail(err, SG_ERR_FORMAT, "%s: tensor %s leaves a hole or overlaps another",
                    path, e->name);
        next += tensor_bytes(&e->tensor);
    }
    if (next != data + size) return bad(err, path, "bytes follow the last tensor");
    if (file->count) qsort(file->entries, file->count, sizeof *file->entries, by_name);
    return SG_OK;
}

static sg_status parse_metadata(
        sg_safetensors *file, json_t *header, const char *path, sg_error *err) {
    json_t *metadata = json_object_get(header, "__metadata__");
    if (!metadata) {
        file->metadata = json_object();
        return file->metadata ? SG_OK
                              : sg_fail(err, SG_ERR_MEMORY, "out of memory reading %s", path);
    }
    if (!json_is_object(metadata)) return bad(err, path, "__metadata__ is no object");
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value))
            return sg_fail(err, SG_ERR_FORMAT, "%s: metadata '%s' is no string", path, key);
    }
    file->metadata = json_incref(metadata);
    json_object_del(header, "__metadata__");
    return SG_OK;
}

static sg_status parse_file(
        sg_safetensors *file, const char *path, bool check_digest, sg_error *err) {
    const uint8_t *bytes = file->map.data;
    if (file->map.size < PREFIX_BYTES + 2) return bad(err, path, "it is too short");
    uint64_t length = read_u64(bytes);
    if (length > HEADER_MAX || length > file->map.size - PREFIX_BYTES)
        return bad(err, path, "its header is longer than the file (truncated?)");
    if (bytes[PREFIX_BYTES] != '{') return bad(err, path, "its header does not start with '{'");
    const uint8_t *data = bytes + PREFIX_BYTES + length;
    size_t size = file->map.size - PREFIX_BYTES - (size_t)length;

    json_t *header = NULL;
    sg_status st =
            sg_json_parse(&header, (const char *)bytes + PREFIX_BYTES, (size_t)length, path, err);
    if (st) return st;
    if (!json_is_object(header)) {
        st = bad(err, path, "its header is no JSON object");
        goto done;
    }
    st = parse_metadata(file, header, path, err);
    if (st) goto done;
    file->entries = calloc(json_object_size(header) + 1, sizeof *file->entries);
    if (!file->entries) {
        st = sg_fail(err, SG_ERR_MEMORY, "out of memory reading %s", path);
        goto done;
    }
    const char *name;
    json_t *value;
    json_object_foreach(header, name, value) {
        st = parse_entry(&file->entries[file->count], name, value, data, size, path, err);
        if (st) goto done;
        file->count++;
    }
    st = check_tiling(file, data, size, path, err);
    const char *digest = sg_safetensors_meta(file, "data_sha256");
    if (!st && check_digest && digest) {
        char found[SG_SHA256_HEX];
        sg_sha256_hex(found, data, size);
        if (strcmp(found, digest) != 0)
            st = sg_fail(err, SG_ERR_FORMAT,
                    "%s is damaged: its data do not match the SHA-256 it carries", path);
    }
done:
    json_decref(header);
    return st;
}

sg_status sg_safetensors_open(
        sg_safetensors **out, const char *path, bool check_digest, sg_error *err) {
    sg_safetensors *file = calloc(1, sizeof *file);
    if (!file) return sg_fail(err, SG_ERR_MEMORY, "out of memory opening %s", path);
    sg_status st = sg_file_map_open(&file->map, path, err);
    if (!st) st = parse_file(file, path, check_digest, err);
    if (st) {
        sg_safetensors_close(file);
        return st;
    }
    *out = file;
    return SG_OK;
}

void sg_safetensors_close(sg_safetensors *file) {
    if (!file) return;
    for (size_t i = 0; i < file->count; i++) free(file->entries[i].name);
    free(file->entries);
    json_decref(file->metadata);
    sg_file_map_close(&file->map);
    free(file);
}

const sg_tensor *sg_safetensors_find(const sg_safetensors *file, const char *name) {
    sg_safetensors_entry key = {(char *)name, {0}};
    const sg_safetensors_entry *e =
            file->count ? bsearch(&key, file->entries, file->count, sizeof *file->entries, by_name)
                        : NULL;
    return e ? &e->tensor : NULL;
}

const char *sg_safetensors_meta(const sg_safetensors *file, const char *key) {
    return json_string_value(json_object_get(file->metadata, key));
}

/* ---- writing ---- */

static int canonical(const void *a, const void *b) {
    const sg_safetensors_item *x = *(const sg_safetensors_item *const *)a;
    const sg_safetensors_item *y = *(const sg_safetensors_item *const *)b;
    size_t m = sg_dtype_size(x->dtype), n = sg_dtype_size(y->dtype);
    if (m != n) return m > n ? -1 : 1;
    return strcmp(x->name, y->name);
}

static size_t item_bytes(const sg_safetensors_item *item) {
    return (size_t)sg_shape_count(&item->shape) * sg_dtype_size(item->dtype);
}

static json_t *entry_json(const sg_safetensors_item *item, size_t begin) {
    json_t *shape = json_array();
    for (int i = 0; i < item->shape.rank; i++)
        json_array_append_new(shape, json_integer(item->shape.dims[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", sg_dtype_name(item->dtype), "shape", shape,
            "data_offsets", (json_int_t)begin, (json_int_t)(begin + item_bytes(item)));
}

/* Digest of the data as it will lie in the file, without building it in memory. */
static sg_status digest_items(char out[SG_SHA256_HEX], const sg_safetensors_item *const *order,
        size_t count, sg_error *err) {
    const void **data = calloc(count + 1, sizeof *data);
    size_t *sizes = calloc(count + 1, sizeof *sizes);
    bool ok = data && sizes;
    for (size_t i = 0; i < count && ok; i++) {
        data[i] = order[i]->data;
        sizes[i] = item_bytes(order[i]);
    }
    if (ok) sg_sha256_parts(out, data, sizes, count);
    free(data);
    free(sizes);
    return ok ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory writing weights");
}

/* The header as text: metadata first, tensors in file order, padded to a multiple of eight. */
static sg_status make_header(sg_str *out, const sg_safetensors_item *const *order, size_t count,
        const json_t *metadata, sg_error *err) {
    json_t *header = json_object();
    json_t *meta = metadata ? json_copy((json_t *)metadata) : json_object();
    char digest[SG_SHA256_HEX] = "";
    sg_status st = digest_items(digest, order, count, err);
    json_object_set_new(meta, "data_sha256", json_string(digest));
    json_object_set_new(header, "__metadata__", meta);
    size_t begin = 0;
    for (size_t i = 0; i < count && !st; i++) {
        if (json_object_get(header, order[i]->name))
            st = sg_fail(err, SG_ERR_INTERNAL, "tensor %s would be written twice", order[i]->name);
        else if (json_object_set_new(header, order[i]->name, entry_json(order[i], begin)))
            st = sg_fail(err, SG_ERR_MEMORY, "out of memory describing tensor %s", order[i]->name);
        begin += item_bytes(order[i]);
    }
    char *text = st ? NULL : sg_json_line(header);
    if (!st && !text) st = sg_fail(err, SG_ERR_MEMORY, "out of memory writing weights");
    if (!st) {
        sg_str_append(out, text);
        while (out->len % 8) sg_str_append(out, " ");
        st = sg_str_check(out, err);
    }
    free(text);
    json_decref(header);
    return st;
}

sg_status sg_safetensors_write(const char *path, const sg_safetensors_item *items, size_t count,
        const json_t *metadata, sg_error *err) {
    const sg_safetensors_item **order = calloc(count + 1, sizeof(*order));
    if (!order) return sg_fail(err, SG_ERR_MEMORY, "out of memory writing %s", path);
    for (size_t i = 0; i < count; i++) order[i] = &items[i];
    qsort(order, count, sizeof *order, canonical);

    sg_str header;
    sg_str_init(&header, HEADER_MAX);
    sg_file_writer *writer = NULL;
    sg_status st = make_header(&header, order, count, metadata, err);
    if (!st) st = sg_file_writer_open(&writer, path, err);
    uint8_t prefix[PREFIX_BYTES];
    for (int i = 0; i < PREFIX_BYTES; i++) prefix[i] = (uint8_t)((uint64_t)header.len >> (8 * i));
    if (!st) st = sg_file_writer_write(writer, prefix, sizeof prefix, err);
    if (!st) st = sg_file_writer_write(writer, header.data, header.len, err);
    for (size_t i = 0; i < count && !st; i++)
        st = sg_file_writer_write(writer, order[i]->data, item_bytes(order[i]), err);
    if (st)
        sg_file_writer_abandon(writer);
    else
        st = sg_file_writer_commit(writer, err);
    sg_str_dispose(&header);
    free(order);
    return st;
}
