/* events.c - what TensorBoard reads of a run: scalars of every epoch, the settings for its HParams
 * tab and a picture of what was trained on. An event file is a row of TFRecords (length, masked
 * CRC-32C, bytes, masked CRC-32C), each an Event message. Formats:
 * tensorflow/core/util/event.proto, framework/summary.proto, lib/io/record_writer;
 * tensorboard/plugins/hparams/plugin_data.proto. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/protobuf.h"
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

static void put_record(sg_str *out, sg_str *event) {
    sg_str length;
    sg_str_init(&length, 16);
    put_le(&length, event->len, 8);
    sg_str_append_n(out, length.data, length.len);
    put_le(out, masked_crc(length.data, length.len), 4);
    sg_str_append_n(out, event->data, event->len);
    put_le(out, masked_crc(event->data, event->len), 4);
    if (event->failed) out->failed = true;
    sg_str_dispose(&length);
    sg_str_dispose(event);
}

/* Event { wall_time = 1, step = 2, summary = 5 { value = 1 } }; takes the value. */
static void put_value(sg_str *out, double time, int step, sg_str *value) {
    sg_str summary, event;
    sg_str_init(&summary, 0);
    sg_str_init(&event, 0);
    sg_pb_put_message(&summary, 1, value);
    sg_pb_put_double(&event, 1, time);
    sg_pb_put_int(&event, 2, step);
    sg_pb_put_message(&event, 5, &summary);
    put_record(out, &event);
}

/* Value { tag = 1, simple_value = 2 } */
static void put_scalar(sg_str *out, double time, int step, const char *tag, double value) {
    if (isnan(value)) return;
    sg_str item;
    sg_str_init(&item, 0);
    sg_pb_put_text(&item, 1, tag);
    sg_pb_put_float(&item, 2, (float)value);
    put_value(out, time, step, &item);
}

/* Value { tag = 1, image = 4 { height = 1, width = 2, colorspace = 3 (1 grey), PNG = 4 } } */
static void put_image(sg_str *out, double time, const sg_event_facts *f) {
    sg_str image, item;
    sg_str_init(&image, 0);
    sg_str_init(&item, 0);
    sg_pb_put_int(&image, 1, f->height);
    sg_pb_put_int(&image, 2, f->width);
    sg_pb_put_int(&image, 3, 1);
    sg_pb_put_bytes(&image, 4, f->png, f->png_size);
    sg_pb_put_text(&item, 1, "train/images");
    sg_pb_put_message(&item, 4, &image);
    put_value(out, time, 0, &item);
}

/* ---- HParams ---- */

/* Value { tag = 1, tensor = 8 { dtype = 1, shape = 2 { dim = 2 { size = 1 } }, float_val = 5 },
 * metadata = 9 { plugin_data = 1 { plugin_name = 1, content = 2 } } }: the plugin reads the
 * content, HParamsPluginData { version = 1 (0, left out), one of experiment 2, start 3, end 4 }. */
static void put_plugin(sg_str *out, double time, const char *tag, int which, sg_str *info) {
    sg_str content, plugin, metadata, dim, shape, tensor, item;
    sg_str *all[] = {&content, &plugin, &metadata, &dim, &shape, &tensor, &item};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sg_str_init(all[i], 0);
    sg_pb_put_message(&content, which, info);
    sg_pb_put_text(&plugin, 1, "hparams");
    sg_pb_put_message(&plugin, 2, &content);
    sg_pb_put_message(&metadata, 1, &plugin);
    sg_pb_put_int(&dim, 1, 1);
    sg_pb_put_message(&shape, 2, &dim);
    sg_pb_put_int(&tensor, 1, 1); /* float */
    sg_pb_put_message(&tensor, 2, &shape);
    sg_pb_put_float(&tensor, 5, 0);
    sg_pb_put_text(&item, 1, tag);
    sg_pb_put_message(&item, 8, &tensor);
    sg_pb_put_message(&item, 9, &metadata);
    put_value(out, time, 0, &item);
}

/* HParamInfo { name = 1, type = 4 (1 text, 2 bool, 3 number) } and MetricInfo { name = 1 { tag = 2
 * } } */
static void put_experiment(sg_str *out, double time, const sg_event_facts *f) {
    static const char *const metrics[] = {
            "train/loss", "val/loss", "val/accuracy", "val/macro_f1", "val/auroc"};
    sg_str experiment, info, name;
    const char *key;
    json_t *value;
    sg_str_init(&experiment, 0);
    json_object_foreach(f->settings, key, value) {
        sg_str_init(&info, 0);
        sg_pb_put_text(&info, 1, key);
        sg_pb_put_int(&info, 4, json_is_string(value) ? 1 : json_is_boolean(value) ? 2 : 3);
        sg_pb_put_message(&experiment, 4, &info);
    }
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        sg_str_init(&info, 0);
        sg_str_init(&name, 0);
        sg_pb_put_text(&name, 2, metrics[i]);
        sg_pb_put_message(&info, 1, &name);
        sg_pb_put_message(&experiment, 5, &info);
    }
    put_plugin(out, time, "_hparams_/experiment", 2, &experiment);
}

/* SessionStartInfo { hparams = 1 { key = 1, value = 2 { number 2, text 3 or bool 4 } },
 * start_time_secs = 5 } */
static void put_start(sg_str *out, double time, const sg_event_facts *f) {
    sg_str start, entry, content;
    const char *key;
    json_t *value;
    sg_str_init(&start, 0);
    json_object_foreach(f->settings, key, value) {
        sg_str_init(&entry, 0);
        sg_str_init(&content, 0);
        if (json_is_string(value))
            sg_pb_put_text(&content, 3, json_string_value(value));
        else if (json_is_boolean(value))
            sg_pb_put_int(&content, 4, json_is_true(value));
        else
            sg_pb_put_double(&content, 2, json_number_value(value));
        sg_pb_put_text(&entry, 1, key);
        sg_pb_put_message(&entry, 2, &content);
        sg_pb_put_message(&start, 1, &entry);
    }
    sg_pb_put_double(&start, 5, time);
    put_plugin(out, time, "_hparams_/session_start_info", 3, &start);
}

/* SessionEndInfo { status = 1 (1 success), end_time_secs = 2 } */
static void put_end(sg_str *out, double time) {
    sg_str end;
    sg_str_init(&end, 0);
    sg_pb_put_int(&end, 1, 1);
    sg_pb_put_double(&end, 2, time);
    put_plugin(out, time, "_hparams_/session_end_info", 4, &end);
}

/* ---- the file ---- */

static void put_version(sg_str *out, double time) {
    sg_str event;
    sg_str_init(&event, 0);
    sg_pb_put_double(&event, 1, time);
    sg_pb_put_text(&event, 3, "brain.Event:2");
    put_record(out, &event);
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

sg_status sg_events_write(const char *dir, const sg_history *history, const sg_event_facts *facts,
        double start_time, sg_error *err) {
    sg_str out;
    sg_str_init(&out, 0);
    put_version(&out, start_time);
    double time = start_time;
    if (facts && facts->settings) {
        put_experiment(&out, time, facts);
        put_start(&out, time, facts);
    }
    if (facts && facts->png) put_image(&out, time, facts);
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
    if (facts && facts->settings && facts->finished) put_end(&out, time);
    sg_status st = sg_str_check(&out, err);
    char *path = st ? NULL : event_path(dir, start_time);
    if (!st && !path) st = sg_fail(err, SG_ERR_MEMORY, "out of memory writing events of %s", dir);
    if (!st) st = sg_file_write(path, out.data, out.len, err);
    free(path);
    sg_str_dispose(&out);
    return st;
}
