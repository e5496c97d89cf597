/* fuzz_recipe.c - any JSON is a preprocessing recipe or a clear refusal; an accepted one passes its
 * own check and comes back from its text unchanged. SPDX-License-Identifier: Apache-2.0 */
#include "image/recipe.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *json;
    sg_recipe recipe, back;
    if (sg_json_parse(&json, (const char *)data, size, "fuzz", NULL)) return 0;
    if (sg_recipe_from_json(&recipe, json, NULL) == SG_OK) {
        if (sg_recipe_check(&recipe, NULL)) abort();
        json_t *again = sg_recipe_to_json(&recipe);
        if (sg_recipe_from_json(&back, again, NULL) || !sg_recipe_equal(&recipe, &back)) abort();
        json_decref(again);
    }
    json_decref(json);
    return 0;
}
