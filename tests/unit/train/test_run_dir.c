/* test_run_dir.c - what a run writes for others to read: TensorBoard's event file through a strict
 * reader of our own (record lengths, both checksums, the message's fields, nothing else allowed),
 * and the log and table of a run that was killed in the middle of a line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "support/check.h"
#include "support/image_folder.h"
#include "train/run_dir.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- a strict reader of event files ---- */

typedef struct scalar {
    double wall_time;
    uint64_t step;
    char tag[64];
    float value;
} scalar;

/* Bytes still to be read; running past the end fails the test. */
typedef struct view {
    const uint8_t *at;
    size_t left;
} view;

static view take(view *v, size_t n) {
    assert_true(n <= v->left);
    view part = {v->at, n};
    v->at += n;
    v->left -= n;
    return part;
}

static uint64_t take_le(view *v, size_t bytes) {
    view part = take(v, bytes);
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;) value = value << 8 | part.at[i];
    return value;
}

static uint64_t take_varint(view *v) {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint64_t byte = take_le(v, 1);
        assert_true(shift < 63);
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            assert_true(byte || shift == 0); /* no longer than needed */
            return value;
        }
    }
}

static uint32_t crc32c(const uint8_t *data, size_t size) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

static void check_crc(view covered, uint64_t stored) {
    uint32_t crc = crc32c(covered.at, covered.left);
    assert_int_equal(stored, (uint32_t)((crc >> 15 | crc << 17) + 0xa282ead8u));
}

/* One TFRecord: length, its checksum, the bytes, their checksum. */
static view take_record(view *file) {
    view length_bytes = {file->at, 8};
    uint64_t length = take_le(file, 8);
    check_crc(length_bytes, take_le(file, 4));
    view event = take(file, length);
    check_crc(event, take_le(file, 4));
    return event;
}

static void take_key(view *v, unsigned field, unsigned wire) {
    assert_int_equal(take_varint(v), field << 3 | wire);
}

static view take_bytes(view *v, unsigned field) {
    take_key(v, field, 2);
    return take(v, take_varint(v));
}

static double take_wall_time(view *event) {
    take_key(event, 1, 1);
    uint64_t bits = take_le(event, 8);
    double time;
    memcpy(&time, &bits, sizeof time);
    return time;
}

/* Event { wall_time, step, summary { value { tag, simple_value } } } */
static scalar read_scalar(view event) {
    scalar s = {.wall_time = take_wall_time(&event)};
    take_key(&event, 2, 0);
    s.step = take_varint(&event);
    view summary = take_bytes(&event, 5);
    assert_int_equal(event.left, 0);
    view value = take_bytes(&summary, 1);
    assert_int_equal(summary.left, 0);
    view tag = take_bytes(&value, 1);
    assert_in_range(tag.left, 1, sizeof s.tag - 1);
    memcpy(s.tag, tag.at, tag.left);
    take_key(&value, 2, 5);
    uint32_t bits = (uint32_t)take_le(&value, 4);
    memcpy(&s.value, &bits, sizeof s.value);
    assert_int_equal(value.left, 0);
    return s;
}

/* ---- events ---- */

static char folder[SG_TEST_PATH];

static int make_folder(void **state) {
    (void)state;
    sg_test_folder_make(folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    sg_test_folder_remove(folder);
    return 0;
}

static sg_history two_epochs(void) {
    sg_error err = SG_ERROR_INIT;
    sg_history h = {0};
    sg_epoch first = {.epoch = 1, .train_loss = 1.25, .learning_rate = 1e-3, .grad_norm = 2.5};
    sg_epoch second = {.epoch = 200, .train_loss = 0.5, .learning_rate = 1e-4, .grad_norm = NAN};
    first.seconds = 10;
    second.seconds = 20;
    first.images_per_second = second.images_per_second = 33;
    second.has_val = true;
    second.val = (sg_figures){0.75, 0.875, 0.8125, NAN};
    CHECK_OK(sg_history_add(&h, &first, &err));
    CHECK_OK(sg_history_add(&h, &second, &err));
    return h;
}

static char *events_name(void) {
    sg_error err = SG_ERROR_INIT;
    char **names, *found = NULL;
    size_t count;
    CHECK_OK(sg_dir_list(&names, &count, folder, &err));
    for (size_t i = 0; i < count; i++) {
        if (strncmp(names[i], "events.out.tfevents.", 20) != 0) continue;
        assert_null(found); /* TensorBoard would draw both */
        found = sg_path_join(folder, names[i]);
    }
    sg_names_free(names);
    assert_non_null(found);
    return found;
}

static void events_are_read_back(void **state) {
    (void)state;
    static const scalar expected[] = {
            {1010, 1, "train/loss", 1.25f},
            {1010, 1, "train/learning_rate", 1e-3f},
            {1010, 1, "train/grad_norm", 2.5f},
            {1010, 1, "train/images_per_second", 33},
            {1030, 200, "train/loss", 0.5f},
            {1030, 200, "train/learning_rate", 1e-4f},
            {1030, 200, "train/images_per_second", 33}, /* a norm of NaN is left out */
            {1030, 200, "val/loss", 0.75f},
            {1030, 200, "val/accuracy", 0.875f},
            {1030, 200, "val/macro_f1", 0.8125f},
    };
    sg_error err = SG_ERROR_INIT;
    sg_history h = two_epochs();
    char *bytes;
    size_t size;
    CHECK_OK(sg_events_write(folder, &h, NULL, 1000, &err));
    CHECK_OK(
            sg_events_write(folder, &h, NULL, 1000, &err)); /* again, as after a resume: one file */
    char *path = events_name();
    CHECK_OK(sg_file_read(&bytes, &size, path, 1 << 20, &err));
    view file = {(const uint8_t *)bytes, size};
    view version = take_record(&file);
    assert_true(take_wall_time(&version) == 1000);
    view text = take_bytes(&version, 3);
    assert_int_equal(text.left, 13);
    assert_memory_equal(text.at, "brain.Event:2", 13);
    assert_int_equal(version.left, 0);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        scalar s = read_scalar(take_record(&file));
        assert_string_equal(s.tag, expected[i].tag);
        assert_int_equal(s.step, expected[i].step);
        assert_true(s.value == expected[i].value);
        assert_true(s.wall_time == expected[i].wall_time);
    }
    assert_int_equal(file.left, 0);
    free(bytes);
    free(path);
    sg_history_dispose(&h);
}

/* ---- what stands beside the scalars ---- */

static bool text_is(view text, const char *expected) {
    return text.left == strlen(expected) && memcmp(text.at, expected, text.left) == 0;
}

/* The value of an event of step 0 with this tag. */
static view take_tagged(view *file, const char *tag) {
    view event = take_record(file);
    (void)take_wall_time(&event);
    take_key(&event, 2, 0);
    assert_int_equal(take_varint(&event), 0);
    view summary = take_bytes(&event, 5);
    assert_int_equal(event.left, 0);
    view value = take_bytes(&summary, 1);
    assert_int_equal(summary.left, 0);
    assert_true(text_is(take_bytes(&value, 1), tag));
    return value;
}

/* The message of the hparams plugin under this tag: tensor, then metadata; field `which` of it. */
static view take_plugin(view *file, const char *tag, unsigned which) {
    view value = take_tagged(file, tag);
    view tensor = take_bytes(&value, 8);
    take_key(&tensor, 1, 0);
    assert_int_equal(take_varint(&tensor), 1); /* float */
    view metadata = take_bytes(&value, 9);
    assert_int_equal(value.left, 0);
    view plugin = take_bytes(&metadata, 1);
    assert_int_equal(metadata.left, 0);
    assert_true(text_is(take_bytes(&plugin, 1), "hparams"));
    view content = take_bytes(&plugin, 2);
    assert_int_equal(plugin.left, 0);
    view message = take_bytes(&content, which);
    assert_int_equal(content.left, 0);
    return message;
}

static double take_number(view *v, unsigned field) {
    take_key(v, field, 1);
    uint64_t bits = take_le(v, 8);
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* Every setting once, with its type, and the metrics that the tab may show. */
static void check_experiment(view *file) {
    static const struct {
        const char *name;
        int type;
    } expected[] = {{"model", 1}, {"augment", 2}, {"lr", 3}};
    view experiment = take_plugin(file, "_hparams_/experiment", 2);
    for (size_t i = 0; i < 3; i++) {
        view info = take_bytes(&experiment, 4);
        assert_true(text_is(take_bytes(&info, 1), expected[i].name));
        take_key(&info, 4, 0);
        assert_int_equal(take_varint(&info), expected[i].type);
        assert_int_equal(info.left, 0);
    }
    view metric = take_bytes(&experiment, 5);
    view name = take_bytes(&metric, 1);
    assert_true(text_is(take_bytes(&name, 2), "train/loss"));
    for (int i = 0; i < 4; i++) (void)take_bytes(&experiment, 5);
    assert_int_equal(experiment.left, 0);
}

static void check_start(view *file) {
    view start = take_plugin(file, "_hparams_/session_start_info", 3);
    for (int i = 0; i < 3; i++) {
        view entry = take_bytes(&start, 1);
        view key = take_bytes(&entry, 1), value = take_bytes(&entry, 2);
        assert_int_equal(entry.left, 0);
        if (text_is(key, "model")) assert_true(text_is(take_bytes(&value, 3), "resnet18"));
        if (text_is(key, "lr")) assert_true(take_number(&value, 2) == 0.25);
        if (text_is(key, "augment")) {
            take_key(&value, 4, 0);
            assert_int_equal(take_varint(&value), 1);
        }
        assert_int_equal(value.left, 0);
    }
    assert_true(take_number(&start, 5) == 1000);
    assert_int_equal(start.left, 0);
}

static void settings_and_picture_are_read_back(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_history h = two_epochs();
    char *bytes;
    size_t size;
    sg_event_facts facts = {
            .settings = json_pack("{s:s, s:b, s:f}", "model", "resnet18", "augment", 1, "lr", 0.25),
            .png = malloc(3),
            .png_size = 3,
            .width = 300,
            .height = 2,
            .finished = true};
    assert_non_null(facts.png);
    memcpy(facts.png, "png", 3);
    CHECK_OK(sg_events_write(folder, &h, &facts, 1000, &err));
    char *path = events_name();
    CHECK_OK(sg_file_read(&bytes, &size, path, 1 << 20, &err));
    view file = {(const uint8_t *)bytes, size};
    (void)take_record(&file);
    check_experiment(&file);
    check_start(&file);
    view value = take_tagged(&file, "train/images");
    view image = take_bytes(&value, 4);
    assert_int_equal(value.left, 0);
    static const unsigned expected[] = {0, 2, 300, 1}; /* height, width, grey */
    for (unsigned field = 1; field <= 3; field++) {
        take_key(&image, field, 0);
        assert_int_equal(take_varint(&image), expected[field]);
    }
    assert_true(text_is(take_bytes(&image, 4), "png"));
    for (int i = 0; i < 10; i++) (void)read_scalar(take_record(&file));
    view end = take_plugin(&file, "_hparams_/session_end_info", 4);
    take_key(&end, 1, 0);
    assert_int_equal(take_varint(&end), 1);
    assert_true(take_number(&end, 2) == 1030);
    assert_int_equal(end.left, 0);
    assert_int_equal(file.left, 0);
    free(bytes);
    free(path);
    sg_event_facts_dispose(&facts);
    sg_history_dispose(&h);
}

/* ---- half-written lines ---- */

static void a_broken_end_of_the_log_is_cut(void **state) {
    (void)state;
    static const char log[] = "{\"event\":\"start\"}\n{\"event\":\"epoch\",\"epoch\":1}\n";
    const size_t first = 18, size = sizeof log - 1;
    for (size_t cut = 0; cut <= size; cut++)
        assert_int_equal(sg_run_log_sound(log, cut), cut < first ? 0 : cut < size ? first : size);
    static const char zeros[] = "{\"a\":1}\n\0\0\0\0\n\0";
    assert_int_equal(sg_run_log_sound(zeros, sizeof zeros), 8);
    assert_int_equal(sg_run_log_sound("{\"a\":1}\n[1]\n\"x\n\n", 17), 8);
}

static void a_resume_mends_log_and_table(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_history h = two_epochs(), back;
    char *table = sg_path_join(folder, "results.csv"), *log = sg_path_join(folder, "log.jsonl");
    char *text;
    size_t size;
    CHECK_OK(sg_run_log(folder, json_pack("{s:s}", "event", "start"), &err));
    CHECK_OK(sg_file_read(&text, &size, log, 1 << 20, &err));
    CHECK_OK(sg_file_append(log, "{\"event\":\"ep", 12, false, &err));
    sg_run_sweep(folder);
    char *mended;
    size_t mended_size;
    CHECK_OK(sg_file_read(&mended, &mended_size, log, 1 << 20, &err));
    assert_int_equal(mended_size, size);
    assert_memory_equal(mended, text, size);
    free(text);
    free(mended);
    CHECK_OK(sg_history_write(&h, table, &err));
    CHECK_OK(sg_file_append(table, "201,0.4", 7, false, &err));
    CHECK_OK(sg_history_read(&back, table, 1000, &err));
    assert_int_equal(back.count, 2);
    assert_int_equal(back.epochs[1].epoch, 200);
    sg_history_dispose(&back);
    sg_history_dispose(&h);
    free(table);
    free(log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(events_are_read_back, make_folder, remove_folder),
            cmocka_unit_test_setup_teardown(
                    settings_and_picture_are_read_back, make_folder, remove_folder),
            cmocka_unit_test(a_broken_end_of_the_log_is_cut),
            cmocka_unit_test_setup_teardown(
                    a_resume_mends_log_and_table, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
