/* test_arm_settings.c - the layers of an arm's settings: table, verb, file, typed, --set.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "cli/arm_settings.h"
#include "support/image_folder.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct fake_args {
    long long epochs, batch;
    const char *model, *data;
    bool overwrite;
} fake_args;

static const sg_option rows[] = {
        {"epochs", 0, SG_OPTION_INT, offsetof(fake_args, epochs), "7", "N", "", 1, 100},
        {"batch", 0, SG_OPTION_INT, offsetof(fake_args, batch), "9", "N", "", 1, 100},
        {"model", 0, SG_OPTION_TEXT, offsetof(fake_args, model), "resnet18", "NAME", "", 0, 0},
        {"data", 0, SG_OPTION_PATH, offsetof(fake_args, data), NULL, "DIR", "", 0, 0},
        {"overwrite", 0, SG_OPTION_FLAG, offsetof(fake_args, overwrite), NULL, NULL, "", 0, 0},
        {NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0},
};
static const sg_verb verb = {.name = "fake", .options = rows, .struct_size = sizeof(fake_args)};

static void test_layers(void **state) {
    (void)state;
    char root[SG_TEST_PATH], config[SG_TEST_PATH + 16];
    sg_error err = SG_ERROR_INIT;
    sg_test_folder_make(root);
    sg_test_text_write(root, "c.yaml", "epochs: 30\nbatch: 31\nlr: 0.5\nmodel: resnet50\n");
    (void)snprintf(config, sizeof config, "%s/c.yaml", root);
    const fake_args args = {.epochs = 11, .batch = 9, .model = "resnet18", .overwrite = true};
    const bool given[] = {true, false, false, false, true};
    const sg_call call = {.verb = &verb, .options = &args, .given = given};
    const sg_arm_source source = {
            .config = config, .set = "model=mresnet; b:lr=0.25 ;a:lr=0.125;", .scope = "a"};
    sg_arm_settings s;
    CHECK_OK(sg_arm_settings_make(&s, &call, &source, &err));
    assert_int_equal(s.args.epochs, 11);          /* typed beats the file */
    assert_int_equal(s.args.batch, 31);           /* the file beats the verb's default */
    assert_string_equal(s.args.model, "mresnet"); /* --set beats all */
    assert_true(s.args.lr == 0.125);              /* of its own scope */
    assert_true(s.args.weight_decay == 0.02);     /* train's default */
    assert_false(s.args.overwrite);               /* means another thing there */
    CHECK_OK(sg_arm_settings_put(&s, "dropout: 0.5\n", "here", &err));
    CHECK_OK(sg_arm_settings_finish(&s, &err));
    assert_true(s.options.model_options.dropout == 0.5);
    assert_int_equal(s.options.epochs, 11);
    assert_non_null(strstr(s.yaml, "lr: 0.125\n"));
    sg_arm_settings_dispose(&s);
    sg_test_folder_remove(root);
}

static void test_mistakes_are_named(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    const fake_args args = {.epochs = 7, .batch = 9, .model = "resnet18"};
    const bool given[] = {false, false, false, false, false};
    const sg_call call = {.verb = &verb, .options = &args, .given = given};
    sg_arm_settings s;
    sg_arm_source source = {.set = "epoch=3"};
    CHECK_FAILS(sg_arm_settings_make(&s, &call, &source, &err), SG_ERR_USAGE, "'epochs'");
    source.set = "lr";
    CHECK_FAILS(sg_arm_settings_make(&s, &call, &source, &err), SG_ERR_USAGE, "key=value");
    static const char *const arms[] = {"a", "b"};
    CHECK_OK(sg_arm_set_check("lr=1; b:lr=2", arms, 2, &err));
    CHECK_FAILS(sg_arm_set_check("c:lr=2", arms, 2, &err), SG_ERR_USAGE, "'c'");
    source = (sg_arm_source){.set = "weights=/nowhere/w.safetensors"};
    CHECK_OK(sg_arm_settings_make(&s, &call, &source, &err));
    CHECK_FAILS(sg_arm_settings_finish(&s, &err), SG_ERR_MISSING, "/nowhere");
    sg_arm_settings_dispose(&s);
}

/* A size that nobody set comes from what lies beside the weights; one of the verb's own, or of
 * --set, stays. */
static void test_what_lies_beside_the_weights(void **state) {
    (void)state;
    char root[SG_TEST_PATH], set[SG_TEST_PATH + 64];
    sg_error err = SG_ERROR_INIT;
    sg_test_folder_make(root);
    sg_test_text_write(root, "w.pth", "weights");
    sg_test_text_write(root, "w.pth.json",
            "{\"preprocessing\": {\"size\": 64, \"interpolation\": \"bilinear\", "
            "\"transform_input\": true,"
            " \"mean\": [0.485, 0.456, 0.406], \"std\": [0.229, 0.224, 0.225]}}");
    const fake_args args = {.epochs = 7, .batch = 9, .model = "googlenet"};
    const bool given[] = {false, false, false, false, false};
    const sg_call call = {.verb = &verb, .options = &args, .given = given};
    static const struct {
        const char *more;
        long long size;
        bool transform_input;
    } cases[] = {{"", 64, true}, {"; size=96", 96, true}, {"; size=224", 224, true},
            {"; transform-input=false", 64, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(set, sizeof set, "weights=%s/w.pth%s", root, cases[i].more);
        const sg_arm_source source = {.set = set};
        sg_arm_settings s;
        CHECK_OK(sg_arm_settings_make(&s, &call, &source, &err));
        CHECK_OK(sg_arm_settings_finish(&s, &err));
        assert_int_equal(s.options.recipe.size, cases[i].size);
        assert_int_equal(s.options.model_options.transform_input, cases[i].transform_input);
        sg_arm_settings_dispose(&s);
    }
    sg_test_folder_remove(root);
}

static void test_what_a_campaign_is_held_to(void **state) {
    (void)state;
    static const char *const freely[] = {"overwrite", NULL};
    const fake_args args = {.epochs = 7, .batch = 9, .model = "resnet18", .data = "/"};
    const sg_call call = {.verb = &verb, .options = &args};
    char *text = sg_campaign_settings(&call, freely);
    assert_string_equal(text, "verb: fake\nepochs: 7\nbatch: 9\nmodel: resnet18\ndata: /\n");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_layers),
            cmocka_unit_test(test_mistakes_are_named),
            cmocka_unit_test(test_what_lies_beside_the_weights),
            cmocka_unit_test(test_what_a_campaign_is_held_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
