/* The study file: Optuna's tables, trials through their life, other spaces and files refused, the
 * trials of dead processes, and many processes at once. SPDX-License-Identifier: Apache-2.0 */
#include "tune/study.h"

#include "tune/study_internal.h"

#include "base/file.h"
#include "support/check.h"

#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 32, TRIALS_EACH = 50 };

static char folder[64];
static bool begun;
static sg_space space;

static int make_folder(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    snprintf(folder, sizeof folder, "/tmp/sg-study-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    memset(&space, 0, sizeof space);
    return sg_space_add(&space, "lr", "float 1e-5 1e-2 log", &err) ||
           sg_space_add(&space, "batch", "ordered 8 16 32", &err) ||
           sg_space_add(&space, "optimizer", "choice adamw sgd", &err) ||
           sg_space_add(&space, "momentum", "float 0 1 if optimizer = sgd", &err) ||
           sg_space_add(&space, "epochs", "int 1 9", &err) ||
           sg_space_add(&space, "weight-decay", "fixed 0.02", &err);
}

static int drop_folder(void **state) {
    (void)state;
    sg_error err;
    sg_space_dispose(&space);
    return sg_dir_remove(folder, &err);
}

static const char *in_folder(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static sg_study *open_study(const char *name, bool maximise) {
    sg_study *study;
    sg_error err = SG_ERROR_INIT;
    sg_study_options options = {"a", "{\"data\":\"x\"}", maximise, SG_STUDY_SCHEMA_3_0, false};
    CHECK_OK(sg_study_open(&study, in_folder(name), &space, &options, &err));
    return study;
}

static void test_a_trial_reads_back(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_study *study = open_study("a.db", true);
    const double point[5] = {0.001, 2, 0, NAN, 7};
    sg_ticket t[3];
    for (int i = 0; i < 3; i++) {
        CHECK_OK(sg_study_begin(study, &t[i], &begun, SIZE_MAX, &err));
        assert_int_equal(t[i].number, i);
        CHECK_OK(sg_study_set_point(study, &t[i], point, &err));
    }
    CHECK_OK(sg_study_report(study, &t[0], 1, 0.5, &err));
    CHECK_OK(sg_study_report(study, &t[0], 2, NAN, &err));
    CHECK_OK(sg_study_report(study, &t[0], 1, 0.6, &err));
    CHECK_OK(sg_study_set_attribute(study, &t[0], "note", "[1, 2]", &err));
    CHECK_OK(sg_study_finish(study, &t[0], SG_TRIAL_COMPLETE, 0.75, NULL, &err));
    CHECK_OK(sg_study_finish(study, &t[1], SG_TRIAL_COMPLETE, NAN, NULL, &err));
    sg_study_close(study);

    study = open_study("a.db", true);
    sg_study_trial *trials;
    size_t count;
    CHECK_OK(sg_study_load(study, &trials, &count, &err));
    assert_int_equal(count, 3);
    assert_int_equal(trials[0].trial.state, SG_TRIAL_COMPLETE);
    assert_true(trials[0].shown == 0.75 && trials[0].trial.value == -0.75);
    assert_true(sg_space_equal(&space, trials[0].trial.point, point));
    assert_int_equal(trials[0].step_count, 2);
    assert_true(trials[0].step_values[0] == 0.6 && isnan(trials[0].step_values[1]));
    assert_int_equal(json_array_size(json_object_get(trials[0].attributes, "note")), 2);
    assert_int_equal(trials[1].trial.state, SG_TRIAL_FAILED);
    assert_string_equal(json_string_value(json_object_get(trials[1].attributes, "sg_message")),
            "the figure is not a number");
    assert_int_equal(trials[2].trial.state, SG_TRIAL_RUNNING);
    assert_true(trials[2].start[4] == '-' && !trials[2].finish[0]);
    sg_study_trials_free(trials, count);
    sg_study_close(study);
}

/* First column of the first row. */
/* A trial begins whole, and only for who knew all the others. */
static void test_a_claim_needs_the_whole_study(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_study *study = open_study("a.db", true);
    const double point[5] = {0.001, 2, 0, NAN, 7};
    json_t *attributes = json_pack("{s:i, s:n}", "sg_member", 3, "sg_parent");
    sg_ticket t;
    CHECK_OK(sg_study_begin_at(study, &t, &begun, 0, point, attributes, &err));
    assert_true(begun);
    assert_int_equal(t.number, 0);
    for (size_t seen = 0; seen <= 2; seen += 2) {
        CHECK_OK(sg_study_begin_at(study, &t, &begun, seen, point, attributes, &err));
        assert_false(begun);
    }
    sg_study_trial *trials;
    size_t count;
    CHECK_OK(sg_study_load(study, &trials, &count, &err));
    assert_int_equal(count, 1);
    assert_true(trials[0].has_point && trials[0].trial.state == SG_TRIAL_RUNNING);
    assert_true(sg_space_equal(&space, trials[0].trial.point, point));
    assert_int_equal(json_integer_value(json_object_get(trials[0].attributes, "sg_member")), 3);
    assert_true(json_is_null(json_object_get(trials[0].attributes, "sg_parent")));
    sg_study_trials_free(trials, count);
    json_decref(attributes);
    sg_study_close(study);
}

static void query(char *out, size_t size, const char *name, const char *sql) {
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(in_folder(name), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    snprintf(out, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

static void test_rows_are_optunas(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_study *study = open_study("a.db", true);
    sg_ticket t;
    const double point[5] = {0.001, 2, 1, 0.5, 7};
    CHECK_OK(sg_study_begin(study, &t, &begun, SIZE_MAX, &err));
    CHECK_OK(sg_study_set_point(study, &t, point, &err));
    CHECK_OK(sg_study_finish(study, &t, SG_TRIAL_COMPLETE, 1, NULL, &err));
    sg_study_close(study);
    static const struct {
        const char *sql, *expected;
    } rows[] = {
            {"SELECT version_num FROM alembic_version", "v3.0.0.d"},
            {"SELECT schema_version || library_version FROM version_info", "123.1.0"},
            {"SELECT direction FROM study_directions", "MAXIMIZE"},
            {"SELECT distribution_json FROM trial_params WHERE param_name = 'lr'",
                    "{\"name\":\"FloatDistribution\",\"attributes\":{\"step\":null,\"low\":"
                    "1.0000000000000001e-5,\"high\":0.01,\"log\":true}}"},
            {"SELECT distribution_json FROM trial_params WHERE param_name = 'batch'",
                    "{\"name\":\"CategoricalDistribution\",\"attributes\":{\"choices\":[8,16,32]}"
                    "}"},
            {"SELECT distribution_json FROM trial_params WHERE param_name = 'epochs'",
                    "{\"name\":\"IntDistribution\",\"attributes\":{\"log\":false,\"step\":1,"
                    "\"low\":1,"
                    "\"high\":9}}"},
            {"SELECT param_value FROM trial_params WHERE param_name = 'optimizer'", "1.0"},
            {"SELECT state FROM trials", "COMPLETE"},
            {"SELECT value_type FROM trial_values", "FINITE"},
            {"SELECT COUNT(*) FROM trial_params", "5"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char got[256];
        query(got, sizeof got, "a.db", rows[i].sql);
        assert_string_equal(got, rows[i].expected);
    }
}

static void test_other_studies_and_files_are_refused(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_study *study = NULL;
    sg_space other = {0};
    sg_study_options o = {"a", "{\"data\":\"x\"}", true, SG_STUDY_SCHEMA_3_0, false};
    sg_study_close(open_study("a.db", true));
    const char *path = in_folder("a.db");
    CHECK_OK(sg_space_add(&other, "lr", "float 1e-5 1e-1 log", &err));
    CHECK_FAILS(sg_study_open(&study, path, &other, &o, &err), SG_ERR_MISMATCH, "another space");
    sg_space_dispose(&other);
    o.maximise = false;
    CHECK_FAILS(sg_study_open(&study, path, &space, &o, &err), SG_ERR_MISMATCH, "maximises");
    o = (sg_study_options){"a", "{\"data\":\"y\"}", true, SG_STUDY_SCHEMA_3_0, false};
    CHECK_FAILS(sg_study_open(&study, path, &space, &o, &err), SG_ERR_MISMATCH, "other settings");
    o = (sg_study_options){"b", NULL, true, SG_STUDY_SCHEMA_3_0, true};
    CHECK_FAILS(sg_study_open(&study, path, NULL, &o, &err), SG_ERR_INPUT, "no study 'b'");
    CHECK_FAILS(sg_study_open(&study, in_folder("none.db"), NULL, &o, &err), SG_ERR_INPUT,
            "there is no study");
    o.must_exist = false;
    CHECK_FAILS(sg_study_open(&study, in_folder("no/folder.db"), &space, &o, &err), SG_ERR_IO,
            "may be written");
    CHECK_OK(sg_file_write(in_folder("text.db"), "this is a text, not a database", 30, &err));
    CHECK_FAILS(sg_study_open(&study, in_folder("text.db"), &space, &o, &err), SG_ERR_FORMAT,
            "no SQLite database");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(in_folder("other.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    CHECK_FAILS(sg_study_open(&study, in_folder("other.db"), &space, &o, &err), SG_ERR_FORMAT,
            "no study of Optuna");
    /* Left as it was: no other journal (byte 18 of an SQLite file). */
    char *bytes;
    size_t size;
    CHECK_OK(sg_file_read(&bytes, &size, in_folder("other.db"), 1 << 20, &err));
    assert_int_equal(bytes[18], 1);
    free(bytes);
}

static void test_two_studies_share_a_file(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_study *a = open_study("a.db", true), *b;
    sg_study_options o = {"b", NULL, false, SG_STUDY_SCHEMA_3_0, false};
    CHECK_OK(sg_study_open(&b, in_folder("a.db"), &space, &o, &err));
    sg_ticket t;
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(sg_study_begin(i == 1 ? b : a, &t, &begun, SIZE_MAX, &err));
        assert_int_equal(t.number, i / 2);
    }
    sg_study_close(a);
    sg_study_close(b);
}

/* One that ended is gone also while its parent, which started it, has not waited for it. */
static void test_an_ended_child_is_gone(void **state) {
    (void)state;
    int ends[2];
    char name[160] = "";
    siginfo_t info;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        sg_owner_name(name);
        _exit(write(ends[1], name, sizeof name) == sizeof name ? 0 : 1);
    }
    assert_int_equal(read(ends[0], name, sizeof name), sizeof name);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(sg_owner_look(name), SG_OWNER_GONE);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(sg_owner_look(name), SG_OWNER_GONE);
    close(ends[0]);
    close(ends[1]);
}

static void test_owners(void **state) {
    (void)state;
    char own[160], other[200];
    sg_owner_name(own);
    assert_int_equal(sg_owner_look(own), SG_OWNER_ALIVE);
    /* Another container counts its processes apart. */
    snprintf(other, sizeof other, "%s0", own);
    assert_int_equal(sg_owner_look(other), SG_OWNER_ELSEWHERE);
    /* A study of an earlier build names no container. */
    char *last = strrchr(own, ':');
    snprintf(other, sizeof other, "%.*s", (int)(last - own), own);
    assert_int_equal(sg_owner_look(other), SG_OWNER_ALIVE);
    /* The number of a process, given to another one. */
    snprintf(other, sizeof other, "%.*s7%s", (int)(last - own), own, last);
    assert_int_equal(sg_owner_look(other), SG_OWNER_GONE);
    snprintf(other, sizeof other, "another-boot%s", strchr(own, ':'));
    assert_int_equal(sg_owner_look(other), SG_OWNER_ELSEWHERE);
}

/* A child begins two trials, gives one its parameters, and is killed. */
static void test_trials_of_the_dead_are_taken_over(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_study_close(open_study("a.db", true));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sg_study *study = open_study("a.db", true);
        const double point[5] = {0.001, 2, 0, NAN, 7};
        sg_ticket t;
        if (sg_study_begin(study, &t, &begun, SIZE_MAX, &err) ||
                sg_study_begin(study, &t, &begun, SIZE_MAX, &err) ||
                sg_study_set_point(study, &t, point, &err))
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    int status;
    assert_true(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    sg_study *study = open_study("a.db", true);
    sg_ticket own, taken, none;
    bool found;
    CHECK_OK(sg_study_begin(study, &none, &begun, 2, &err));
    assert_false(begun);
    CHECK_OK(sg_study_begin(study, &own, &begun, SIZE_MAX, &err));
    CHECK_OK(sg_study_take_over(study, &taken, &found, 1e9, &err));
    assert_true(found);
    assert_int_equal(taken.number, 1);
    CHECK_OK(sg_study_take_over(study, &taken, &found, 0, &err));
    assert_false(found);
    sg_study_trial *trials;
    size_t count;
    CHECK_OK(sg_study_load(study, &trials, &count, &err));
    assert_int_equal(count, 3);
    assert_int_equal(trials[0].trial.state, SG_TRIAL_FAILED);
    assert_int_equal(trials[1].trial.state, SG_TRIAL_RUNNING);
    sg_study_trials_free(trials, count);
    sg_study_close(study);
}

static void by_another_hand(const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(in_folder("a.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void set_abroad(const char *heartbeat) {
    char sql[256];
    snprintf(sql, sizeof sql,
            "UPDATE trial_user_attributes SET value_json = '\"another-boot:1:1\"' WHERE key = "
            "'sg_owner'; UPDATE trial_heartbeats SET heartbeat = %s",
            heartbeat);
    by_another_hand(sql);
}

/* A trial of another machine is left alone while it is heard from, and taken over when it is not: a
 * report from long ago, or from a time that has not come, because a clock went back. What is
 * written there is not trusted. */
static void test_trials_of_another_machine(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    static const char *const silent[] = {
            "datetime('now', 'localtime', '-1 hour')", "datetime('now', 'localtime', '+1 day')"};
    const double point[5] = {0.001, 2, 0, NAN, 7};
    sg_study *study = open_study("a.db", true);
    sg_ticket t;
    bool found;
    CHECK_OK(sg_study_begin(study, &t, &begun, SIZE_MAX, &err));
    CHECK_OK(sg_study_set_point(study, &t, point, &err));
    for (size_t i = 0; i < 2; i++) {
        set_abroad("datetime('now', 'localtime')");
        CHECK_OK(sg_study_take_over(study, &t, &found, 600, &err));
        assert_false(found);
        set_abroad(silent[i]);
        CHECK_OK(sg_study_take_over(study, &t, &found, 600, &err));
        assert_true(found);
    }
    /* A choice that the space does not have. */
    sg_study_trial *trials;
    size_t count;
    by_another_hand("UPDATE trial_params SET param_value = 3 WHERE param_name = 'batch'");
    CHECK_FAILS(sg_study_load(study, &trials, &count, &err), SG_ERR_FORMAT, "outside its range");
    sg_study_close(study);
}

static int work(void) {
    sg_error err = SG_ERROR_INIT;
    sg_study *study;
    sg_study_options o = {"a", "{\"data\":\"x\"}", true, SG_STUDY_SCHEMA_3_2, false};
    if (sg_study_open(&study, in_folder("many.db"), &space, &o, &err)) goto failed;
    for (int i = 0; i < TRIALS_EACH; i++) {
        const double point[5] = {0.001, 2, 0, NAN, 7};
        sg_ticket t;
        if (sg_study_begin(study, &t, &begun, SIZE_MAX, &err) ||
                sg_study_set_point(study, &t, point, &err) ||
                sg_study_finish(study, &t, SG_TRIAL_COMPLETE, i, NULL, &err))
            goto failed;
    }
    sg_study_close(study);
    return 0;
failed:
    fprintf(stderr, "%s\n", err.message);
    return 1;
}

/* Nobody is locked out, nothing is lost, every number is given once; they also race to make the
 * file. */
static void test_many_processes_write_one_file(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) _exit(work());
    }
    int status, failed = 0;
    while (wait(&status) > 0) failed += status != 0;
    assert_int_equal(failed, 0);
    sg_study *study;
    sg_study_options o = {"a", NULL, true, SG_STUDY_SCHEMA_3_2, true};
    CHECK_OK(sg_study_open(&study, in_folder("many.db"), NULL, &o, &err));
    sg_study_trial *trials;
    size_t count;
    CHECK_OK(sg_study_load(study, &trials, &count, &err));
    assert_int_equal(count, PROCESSES * TRIALS_EACH);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(trials[i].number, i);
        assert_int_equal(trials[i].trial.state, SG_TRIAL_COMPLETE);
    }
    sg_study_trials_free(trials, count);
    sg_study_close(study);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_a_trial_reads_back, make_folder, drop_folder),
            cmocka_unit_test_setup_teardown(test_rows_are_optunas, make_folder, drop_folder),
            cmocka_unit_test_setup_teardown(
                    test_a_claim_needs_the_whole_study, make_folder, drop_folder),
            cmocka_unit_test_setup_teardown(
                    test_other_studies_and_files_are_refused, make_folder, drop_folder),
            cmocka_unit_test_setup_teardown(
                    test_two_studies_share_a_file, make_folder, drop_folder),
            cmocka_unit_test_setup_teardown(test_owners, make_folder, drop_folder),
            cmocka_unit_test(test_an_ended_child_is_gone),
            cmocka_unit_test_setup_teardown(
                    test_trials_of_another_machine, make_folder, drop_folder),
            cmocka_unit_test_setup_teardown(
                    test_trials_of_the_dead_are_taken_over, make_folder, drop_folder),
            cmocka_unit_test_setup_teardown(
                    test_many_processes_write_one_file, make_folder, drop_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
