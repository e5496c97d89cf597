/* test_options.c - a table drives parsing, config files, YAML and help alike.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"
#include "support/check.h"
#include <stdio.h>

typedef struct settings {
    bool flip, verbose;
    long long epochs;
    double rate;
    const char *model, *run;
    int fit;
} settings;

static const sg_option rows[] = {
        {"flip", 0, SG_OPTION_FLAG, offsetof(settings, flip), "true", NULL, "mirror images", 0, 0},
        {"verbose", 'v', SG_OPTION_FLAG, offsetof(settings, verbose), NULL, NULL, "say more", 0, 0},
        {.name = "Training", .type = SG_OPTION_GROUP},
        {"epochs", 'e', SG_OPTION_INT, offsetof(settings, epochs), "20", "N", "passes", 1, 1000},
        {"learning-rate", 0, SG_OPTION_REAL, offsetof(settings, rate), "6e-4", "R", "step", 0, 1},
        {"model", 'm', SG_OPTION_TEXT, offsetof(settings, model), "small", "NAME", "which", 0, 0},
        {"run", 0, SG_OPTION_PATH, offsetof(settings, run), NULL, "DIR", "where", 0, 0},
        {"fit", 0, SG_OPTION_CHOICE, offsetof(settings, fit), "pad", "pad|crop|stretch", "how", 0,
                0},
        {"also", 0, SG_OPTION_OPERAND, 0, NULL, "DIR", "one more", 0, 0},
        {0},
};

static const sg_verb verb = {
        .name = "learn",
        .operands = "[DIR]",
        .summary = "a verb for tests",
        .options = rows,
        .struct_size = sizeof(settings),
        .max_operands = 1,
        .takes_config = true,
};

enum { MAX_WORDS = 16 };

/* Splits a line at blanks and parses it; the words live in *line. */
static sg_status parse(sg_parsed *out, char *line, sg_error *err) {
    char *words[MAX_WORDS], *rest = line;
    int n = 0;
    for (char *word; n < MAX_WORDS && (word = strtok_r(rest, " ", &rest));) words[n++] = word;
    return sg_options_parse(out, &verb, n, words, err);
}

static void defaults_are_what_the_table_says(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_parsed p;
    CHECK_OK(parse(&p, (char[]){""}, &err));
    const settings *s = p.options;
    assert_true(s->flip && !s->verbose && s->epochs == 20 && s->rate == 6e-4 && s->fit == 0);
    assert_string_equal(s->model, "small");
    assert_null(s->run);
    assert_false(p.given[0] || p.given[3] || p.json || p.quiet || p.help);
    sg_parsed_dispose(&p);
}

static void every_spelling_is_understood(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_parsed p;
    char line[] =
            "--no-flip -ve7 --learning-rate=0.5 dir --fit stretch -m tiny --json -q --run=a=b";
    CHECK_OK(parse(&p, line, &err));
    const settings *s = p.options;
    assert_true(!s->flip && s->verbose && s->epochs == 7 && s->rate == 0.5 && s->fit == 2);
    assert_string_equal(s->model, "tiny");
    assert_string_equal(s->run, "a=b");
    assert_true(p.json && p.quiet && p.given[0] && p.given[3] && !p.given[2]);
    assert_int_equal(p.operand_count, 1);
    assert_string_equal(p.operands[0], "dir");
    sg_parsed_dispose(&p);
    char dashes[] = "-- --epochs";
    CHECK_OK(parse(&p, dashes, &err));
    assert_string_equal(p.operands[0], "--epochs");
    sg_parsed_dispose(&p);
    char more[] = "--also dir --flip --no-flip -v -v";
    CHECK_OK(parse(&p, more, &err));
    assert_int_equal(p.operand_count, 1);
    assert_string_equal(p.operands[0], "dir");
    assert_false(((const settings *)p.options)->flip); /* flags: the last word counts */
    sg_parsed_dispose(&p);
    char help[] = "--epochs 3 --help --nonsense";
    CHECK_OK(parse(&p, help, &err));
    assert_true(p.help);
    sg_parsed_dispose(&p);
}

static void wrong_lines_say_what_and_what_instead(void **state) {
    (void)state;
    static const struct {
        const char *line, *part;
    } cases[] = {
            {"--epohcs 3", "did you mean --epochs?"},
            {"--zzzzzzzzz", "--help"},
            {"--epochs", "needs a value (N)"},
            {"--run --epochs 3", "--run needs a value"},
            {"--epochs x", "'x' is not a whole number"},
            {"--epochs 0", "give 1 to 1000"},
            {"--epochs 99999999999999999999", "not a whole number"},
            {"--learning-rate 1,5", "not a number"},
            {"--fit padd", "none of pad|crop|stretch"},
            {"--flip=maybe", "neither true nor false"},
            {"--no-epochs", "unknown option --no-epochs"},
            {"-z", "unknown option -z"},
            {"-e 3 --epochs 4", "--epochs was given twice"},
            {"--fit=pad --fit crop", "--fit was given twice"},
            {"--config a --config b", "--config was given twice"},
            {"--also a --also b", "'b' is one argument too many"},
            {"a b", "'b' is one argument too many"},
            {"--config /no/such.yaml", "/no/such.yaml"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_error err = SG_ERROR_INIT;
        sg_parsed p;
        char line[128];
        (void)snprintf(line, sizeof line, "%s", cases[i].line);
        sg_status expected = strstr(cases[i].line, "/no/such") ? SG_ERR_MISSING : SG_ERR_USAGE;
        CHECK_FAILS(parse(&p, line, &err), expected, cases[i].part);
    }
}

static sg_status set_from(
        settings *s, bool *given, sg_yaml *yaml, const char *text, sg_error *err) {
    sg_status status = sg_yaml_parse(yaml, text, strlen(text), "c.yaml", err);
    return status ? status : sg_options_from_yaml(s, given, &verb, yaml, "c.yaml", err);
}

static void a_file_gives_defaults_and_the_command_line_wins(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    settings s = {.epochs = 5};
    bool given[sizeof rows / sizeof *rows] = {false};
    given[3] = true;
    sg_yaml yaml;
    CHECK_OK(set_from(
            &s, given, &yaml, "epochs: 9\nlearning-rate: 0.25\nfit: crop\nflip: yes\n", &err));
    assert_true(s.epochs == 5 && s.rate == 0.25 && s.fit == 1 && s.flip);
    assert_true(given[4]);
    sg_yaml_dispose(&yaml);
    CHECK_FAILS(set_from(&s, NULL, &yaml, "# c\nepoch: 9\n", &err), SG_ERR_USAGE,
            "c.yaml: line 2: unknown setting 'epoch'; did you mean 'epochs'?");
    sg_yaml_dispose(&yaml);
    CHECK_FAILS(set_from(&s, NULL, &yaml, "json: true\n", &err), SG_ERR_USAGE, "unknown setting");
    sg_yaml_dispose(&yaml);
    CHECK_FAILS(set_from(&s, NULL, &yaml, "epochs: many\n", &err), SG_ERR_USAGE,
            "c.yaml: line 1: --epochs");
    sg_yaml_dispose(&yaml);
}

static void yaml_gives_the_struct_back(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    settings s = {.flip = true,
            .epochs = 3,
            .rate = 0.1,
            .model = "a: \"b\"",
            .run = "runs/caf\xE9",
            .fit = 2};
    sg_str text;
    sg_str_init(&text, 0);
    sg_options_to_yaml(&text, &verb, &s);
    settings back = {0};
    sg_yaml yaml;
    CHECK_OK(set_from(&back, NULL, &yaml, sg_str_text(&text), &err));
    assert_true(
            back.flip && !back.verbose && back.epochs == 3 && back.rate == 0.1 && back.fit == 2);
    assert_string_equal(back.model, s.model);
    assert_string_equal(back.run, s.run);
    sg_yaml_dispose(&yaml);
    sg_str_dispose(&text);
}

static void help_names_every_option(void **state) {
    (void)state;
    sg_str text;
    sg_str_init(&text, 0);
    sg_options_help(&text, &verb);
    static const char *const parts[] = {"Usage: sonograde learn [options] [DIR]", "--[no-]flip",
            "  -e, --epochs N", "passes [20]", "\nTraining:\n", "--fit pad|crop|stretch",
            "--config FILE", "-h, --help"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(sg_str_text(&text), parts[i]))
            fail_msg("'%s' is not in:\n%s", parts[i], sg_str_text(&text));
    sg_str_dispose(&text);
}

static void near_words_are_found_and_far_ones_not(void **state) {
    (void)state;
    static const char *const words[] = {"train", "evaluate", "data manifest"};
    assert_string_equal(sg_nearest("trian", words, 3), "train");
    assert_string_equal(sg_nearest("data manifets", words, 3), "data manifest");
    assert_null(sg_nearest("xyz", words, 3));
    assert_null(sg_nearest("x", words, 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(defaults_are_what_the_table_says),
            cmocka_unit_test(every_spelling_is_understood),
            cmocka_unit_test(wrong_lines_say_what_and_what_instead),
            cmocka_unit_test(a_file_gives_defaults_and_the_command_line_wins),
            cmocka_unit_test(yaml_gives_the_struct_back),
            cmocka_unit_test(help_names_every_option),
            cmocka_unit_test(near_words_are_found_and_far_ones_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
