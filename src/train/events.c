/* events.c - scalars for TensorBoard: an event file is a row of TFRecords (length, masked CRC-32C,
 * bytes, masked CRC-32C), each an Event message of Google's protocol buffers. Scalars need four
 * fields, so they are written by hand. Formats: tensorflow/core/util/event.proto and
 * lib/io/record_writer. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/str.h"
#include "train/run_dir.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* CRC-32C (Castagnoli), bit by bit: a few kilobytes per epoch need no table. */
static uint32_t crc32c(const void *data, size_t size) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= ((const uint8_t *)data)[i];
        for (int k = 0; k < 8; k++) crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1u)));
    }
    return ~crc;
}

static uint32_t masked_crc(const void *data, size_t size) {
    uint32_t crc = crc32c(data, size);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

static void put_le(sg_str *s, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        sg_str_append_n(s, &byte, 1);
    }
}

static void put_varint(sg_str *s, uint64_t value) {
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        sg_str_append_n(s, &byte, 1);
        value >>= 7;
    } while (value);
}

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

static void put_key(sg_str *s, int field, int wire) {
    put_varint(s, (uint64_t)(field << 3 | wire));
}

static void put_bytes(sg_str *s, int field, const void *data, size_t size) {
    put_key(s, field, WIRE_BYTES);
    put_varint(s, size);
    sg_str_append_n(s, data, size);
}

static void put_double(sg_str *s, int field, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(s, field, WIRE_64);
    put_le(s, bits, 8);
}

static void put_float(sg_str *s, int field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(s, field, WIRE_32);
    put_le(s, bits, 4);
}

static void put_record(sg_str *out, const sg_str *event) {
    sg_str length;
    sg_str_init(&length, 16);
    put_le(&length, event->len, 8);
    sg_str_append_n(out, length.data, length.len);
    put_le(out, masked_crc(length.data, length.len), 4);
    sg_str_append_n(out, event->data, event->len);
    put_le(out, masked_crc(event->data, event->len), 4);
    sg_str_dispose(&length);
}

/* Event { wall_time = 1, step = 2, summary = 5 { value = 1 { tag = 1, simple_value = 2 } } } */
static void put_scalar(sg_str *out, double time, int step, const char *tag, double value) {
    if (isnan(value)) return;
    sg_str item, summary, event;
    sg_str_init(&item, 0);
    sg_str_init(&summary, 0);
    sg_str_init(&event, 0);
    put_bytes(&item, 1, tag, strlen(tag));
    put_float(&item, 2, (float)value);
    put_bytes(&summary, 1, item.data, item.len);
    put_double(&event, 1, time);
    put_key(&event, 2, WIRE_VARINT);
    put_varint(&event, (uint64_t)step);
    put_bytes(&event, 5, summary.data, summary.len);
    put_record(out, &event);
    sg_str_dispose(&item);
    sg_str_dispose(&summary);
    sg_str_dispose(&event);
}

static void put_version(sg_str *out, double time) {
    sg_str event;
    sg_str_init(&event, 0);
    put_double(&event, 1, time);
    put_bytes(&event, 3, "brain.Event:2", strlen("brain.Event:2"));
    put_record(out, &event);
    sg_str_dispose(&event);
}

/* The event file already there (a resume continues it), or a new name. */
static char *event_path(const char *dir, double start_time) {
    char **names = NULL, *path = NULL;
    size_t count = 0;
    if (sg_dir_list(&names, &count, dir, NULL) == SG_OK)
        for (size_t i = 0; i < count && !path; i++)
            if (strncmp(names[i], "events.out.tfevents.", 20) == 0)
                path = sg_path_join(dir, names[i]);
    sg_names_free(names);
    return path ? path
                : sg_strdupf(
                          "%s/events.out.tfevents.%010.0f.sonograde.1.0", dir, floor(start_time));
}

sg_status sg_events_write(
        const char *dir, const sg_history *history, double start_time, sg_error *err) {
    sg_str out;
    sg_str_init(&out, 0);
    put_version(&out, start_time);
    double time = start_time;
    for (size_t i = 0; i < history->count; i++) {
        const sg_epoch *e = &history->epochs[i];
        time += e->seconds;
        put_scalar(&out, time, e->epoch, "train/loss", e->train_loss);
        put_scalar(&out, time, e->epoch, "train/learning_rate", e->learning_rate);
        put_scalar(&out, time, e->epoch, "train/grad_norm", e->grad_norm);
        put_scalar(&out, time, e->epoch, "train/images_per_second", e->images_per_second);
        if (!e->has_val) continue;
        put_scalar(&out, time, e->epoch, "val/loss", e->val.loss);
        put_scalar(&out, time, e->epoch, "val/accuracy", e->val.accuracy);
        put_scalar(&out, time, e->epoch, "val/macro_f1", e->val.macro_f1);
        put_scalar(&out, time, e->epoch, "val/auroc", e->val.auroc);
    }
    sg_status st = sg_str_check(&out, err);
    char *path = st ? NULL : event_path(dir, start_time);
    if (!st && !path) st = sg_fail(err, SG_ERR_MEMORY, "out of memory writing events of %s", dir);
    if (!st) st = sg_file_write(path, out.data, out.len, err);
    free(path);
    sg_str_dispose(&out);
    return st;
}
