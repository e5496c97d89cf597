/* test_ledger.c - the ledger of looks at test images: what a look finds, what a training notes, and
 * that damage is told and never overwritten. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/ledger.h"
#include "support/check.h"
#include "support/image_folder.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[SG_TEST_PATH];
static char *path;

static int open_folder(void **state) {
    (void)state;
    sg_test_folder_make(folder);
    path = sg_path_join(folder, "state/sonograde/ledger.jsonl");
    return path ? 0 : -1;
}

static int close_folder(void **state) {
    (void)state;
    sg_test_folder_remove(folder);
    free(path);
    return 0;
}

/* A digest of letter c. */
static void digest(char out[SG_SHA256_HEX], char c) {
    memset(out, c, SG_SHA256_HEX - 1);
    out[SG_SHA256_HEX - 1] = '\0';
}

/* A look of model `model` at the images named by letters; last: what it noted when it was made,
 * NULL = nothing. */
static sg_test_look look(char model, const char *images, const char *settings, const char *last) {
    sg_prediction_row rows[16] = {0};
    char parameters[SG_SHA256_HEX];
    size_t n = strlen(images);
    for (size_t i = 0; i < n; i++) digest(rows[i].sha256, images[i]);
    digest(parameters, model);
    json_t *note = last ? json_pack("{s:s}", "last_look", last) : json_null();
    sg_predictions p = {.rows = rows,
            .count = n,
            .models = json_pack("[{s:s, s:o}]", "parameters_sha256", parameters, "ledger", note)};
    sg_test_look out;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_ledger_enter(&out, path, &p, settings, &err));
    json_decref(p.models);
    return out;
}

/* What a training in folder/name would note now. */
static char *mark(const char *name) {
    char *dir = sg_path_join(folder, name), *file = sg_path_join(dir, "ledger.json");
    sg_error err = SG_ERROR_INIT;
    json_t *note = NULL;
    assert_non_null(file);
    CHECK_OK(sg_dir_make(dir, &err));
    CHECK_OK(sg_ledger_mark(dir, path, &err));
    CHECK_OK(sg_json_read(&note, file, &err));
    char *last = sg_strdup(json_string_value(json_object_get(note, "last_look")));
    assert_non_null(last);
    json_decref(note);
    free(file);
    free(dir);
    return last;
}

static void test_first_look_and_repeats(void **state) {
    (void)state;
    sg_test_look a = look('a', "123", "plain", "");
    assert_int_equal(a.order, SG_LOOK_FIRST);
    assert_int_equal(a.total, 1);
    sg_test_look again = look('a', "123", "plain", "");
    assert_int_equal(again.order, SG_LOOK_FIRST);
    assert_int_equal(again.total, 2);
    assert_int_equal(again.earlier, 0);
    assert_int_equal(again.own_settings, 0);
    sg_test_look elsewhere = look('b', "456", "plain", "");
    assert_int_equal(elsewhere.order, SG_LOOK_FIRST);
    assert_int_equal(elsewhere.total, 1);
}

static void test_a_model_made_after_a_look_is_told(void **state) {
    (void)state;
    char *before = mark("before");
    look('a', "123", "plain", before);
    char *after = mark("after");
    assert_string_equal(before, "");
    sg_test_look b = look('b', "345", "plain", after);
    assert_int_equal(b.order, SG_LOOK_TRAINED_AFTER);
    assert_int_equal(b.earlier, 1);
    assert_int_equal(b.earlier_models, 1);
    assert_int_equal(b.images_before, 1);
    sg_test_look c = look('c', "123", "plain", before);
    assert_int_equal(c.order, SG_LOOK_COMPARED);
    assert_int_equal(c.earlier_models, 2);
    assert_int_equal(c.images_before, 3);
    assert_int_equal(look('d', "1", "plain", NULL).order, SG_LOOK_UNKNOWN_ORDER);
    char foreign[SG_SHA256_HEX];
    digest(foreign, 'f');
    assert_int_equal(look('e', "1", "plain", foreign).order, SG_LOOK_UNKNOWN_ORDER);
    free(before);
    free(after);
}

/* Judging the same model again finds what it found the first time, whoever looked since. */
static void test_a_repeat_finds_the_same(void **state) {
    (void)state;
    look('a', "123", "plain", "");
    sg_test_look first = look('b', "123", "plain", "");
    look('c', "123", "plain", "");
    sg_test_look again = look('b', "123", "plain", "");
    assert_int_equal(again.total, 4);
    again.total = first.total;
    assert_memory_equal(&again, &first, sizeof first);
}

static void test_other_settings_are_told(void **state) {
    (void)state;
    look('a', "123", "plain", "");
    assert_int_equal(look('a', "123", "flip averaged", "").own_settings, 1);
    assert_int_equal(look('a', "123", "plain", "").own_settings, 0);
}

/* The note of a training is made once: a resume does not move it. */
static void test_a_mark_stays(void **state) {
    (void)state;
    char *first = mark("run");
    look('a', "1", "plain", "");
    char *second = mark("run"), *other = mark("other");
    assert_string_equal(first, second);
    assert_int_equal(strlen(other), SG_SHA256_HEX - 1);
    free(first);
    free(second);
    free(other);
}

static char *read_ledger(size_t *size) {
    char *text;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_file_read(&text, size, path, 1 << 20, &err));
    return text;
}

/* Every byte changed and every cut is noticed, and the file is left as it is. */
static void test_damage_is_told_and_kept(void **state) {
    (void)state;
    look('a', "12", "plain", "");
    look('b', "12", "plain", "");
    size_t size, kept_size;
    char *text = read_ledger(&size);
    sg_test_look out;
    sg_prediction_row row = {0};
    sg_error err = SG_ERROR_INIT;
    digest(row.sha256, '1');
    sg_predictions p = {.rows = &row, .count = 1};
    for (size_t i = 0; i < size; i += 7) {
        char was = text[i];
        text[i] = was == 'x' ? 'y' : 'x';
        CHECK_OK(sg_file_write(path, text, size, &err));
        CHECK_FAILS(sg_ledger_enter(&out, path, &p, "plain", &err), SG_ERR_FORMAT, "is damaged");
        char *kept = read_ledger(&kept_size);
        assert_int_equal(kept_size, size);
        assert_memory_equal(kept, text, size);
        free(kept);
        text[i] = was;
    }
    for (size_t cut = 1; cut < size; cut += 11) {
        if (text[size - cut - 1] == '\n') continue; /* whole lines may be missing at the end */
        CHECK_OK(sg_file_write(path, text, size - cut, &err));
        CHECK_FAILS(sg_ledger_enter(&out, path, &p, "plain", &err), SG_ERR_FORMAT, "is cut off");
    }
    char *second = strchr(text, '\n') + 1; /* the first line taken out */
    CHECK_OK(sg_file_write(path, second, strlen(second), &err));
    CHECK_FAILS(sg_ledger_enter(&out, path, &p, "plain", &err), SG_ERR_FORMAT,
            "does not follow the one before");
    free(text);
}

/* Looks of processes side by side are all there. */
static void test_processes_wait_for_each_other(void **state) {
    (void)state;
    enum { PROCESSES = 4, LOOKS = 3 };
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i]) continue;
        for (int k = 0; k < LOOKS; k++) look((char)('a' + i), "12", "plain", "");
        _exit(0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int code = -1;
        assert_int_equal(waitpid(children[i], &code, 0), children[i]);
        assert_int_equal(code, 0);
    }
    assert_int_equal(look('f', "2", "plain", "").total, PROCESSES * LOOKS + 1);
}

static void test_where_it_lies(void **state) {
    (void)state;
    char *found;
    sg_error err = SG_ERROR_INIT;
    setenv("XDG_STATE_HOME", "/some/state", 1);
    CHECK_OK(sg_ledger_default_path(&found, &err));
    assert_string_equal(found, "/some/state/sonograde/ledger.jsonl");
    free(found);
    setenv("XDG_STATE_HOME", "relative", 1);
    setenv("HOME", "/home/me", 1);
    CHECK_OK(sg_ledger_default_path(&found, &err));
    assert_string_equal(found, "/home/me/.local/state/sonograde/ledger.jsonl");
    free(found);
    setenv("HOME", "", 1);
    CHECK_FAILS(sg_ledger_default_path(&found, &err), SG_ERR_INPUT, "XDG_STATE_HOME");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, open_folder, close_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
            IN_FOLDER(test_first_look_and_repeats),
            IN_FOLDER(test_a_model_made_after_a_look_is_told),
            IN_FOLDER(test_a_repeat_finds_the_same),
            IN_FOLDER(test_other_settings_are_told),
            IN_FOLDER(test_a_mark_stays),
            IN_FOLDER(test_damage_is_told_and_kept),
            IN_FOLDER(test_processes_wait_for_each_other),
            IN_FOLDER(test_where_it_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
