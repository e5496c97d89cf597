/* cmd_models_show.c - `sonograde models show`: one architecture, block by block, with what sets it
 * apart from the one it is compared with.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/cli.h"
#include "nn/models/models.h"
#include "nn/outline.h"
#include "report/model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct show_options {
    const char *svg, *blocks, *compare;
    long long size, classes, se, dilation;
    bool expand_first, auxiliary;
} show_options;

#define AT(member) offsetof(show_options, member)
static const sg_option options[] = {
        {"svg", 0, SG_OPTION_PATH, AT(svg), NULL, "FILE", "draw it into this file", 0, 0},
        {"compare", 0, SG_OPTION_TEXT, AT(compare), NULL, "MODEL",
                "mark differences from this one (default: the one it was made from)", 0, 0},
        {"size", 0, SG_OPTION_INT, AT(size), "224", "PIXELS", "image size", 32, 4096},
        {"classes", 0, SG_OPTION_INT, AT(classes), "3", "N", "classes that are told apart", 2,
                100000},
        {"blocks", 0, SG_OPTION_TEXT, AT(blocks), NULL, "A,B,C,D",
                "blocks of each stage of a residual network", 0, 0},
        {"se-reduction", 0, SG_OPTION_INT, AT(se), "-1", "R",
                "squeeze-and-excitation to 1/R; 0 = none, -1 = the model's own", -1, 256},
        {"dilation", 0, SG_OPTION_INT, AT(dilation), "-1", "D",
                "1, 2 (last stage) or 4 (last two stages); -1 = the model's own", -1, 4},
        {"mobilenet-expand-first", 0, SG_OPTION_FLAG, AT(expand_first), NULL, NULL,
                "the first block with its expansion, as the ONNX Model Zoo has it", 0, 0},
        {"auxiliary", 0, SG_OPTION_FLAG, AT(auxiliary), NULL, NULL,
                "googlenet: with its auxiliary classifiers", 0, 0},
        {0},
};

/* One model, measured and outlined. */
typedef struct shown {
    sg_graph *graph;
    sg_graph_cost cost;
    sg_outline outline;
} shown;

static void shown_dispose(shown *s) {
    sg_graph_destroy(s->graph);
    sg_outline_dispose(&s->outline);
}

static sg_status shown_open(
        shown *out, const char *name, const sg_model_options *model, int64_t size, sg_error *err) {
    shown s = {0};
    sg_status status = sg_model_build(&s.graph, name, model, err);
    if (!status) status = sg_graph_measure(&s.cost, s.graph, size, size, err);
    if (!status) status = sg_outline_make(&s.outline, s.graph, size, size, err);
    if (status)
        shown_dispose(&s);
    else
        *out = s;
    return status;
}

static sg_status parse_blocks(int blocks[4], const char *text, sg_error *err) {
    char extra;
    if (!text || sscanf(text, "%4d,%4d,%4d,%4d%c", &blocks[0], &blocks[1], &blocks[2], &blocks[3],
                         &extra) == 4)
        return SG_OK;
    return sg_fail(err, SG_ERR_USAGE, "--blocks '%.40s' is not four numbers such as 3,4,3,2", text);
}

/* ---- pairs of blocks: one line each in text, one box each in the drawing ---- */

typedef struct pair {
    const sg_outline_block *block; /* of the model, or of the other where it is left out */
    sg_drawing_mark mark;
    char gate[32], dilation[32];
    const char *lines[SG_OUTLINE_LAYERS];
} pair;

typedef struct pairs {
    pair *items;
    sg_drawing_block *blocks;
    size_t count;
} pairs;

static sg_drawing_mark mark_of(
        const sg_outline_block *own, const sg_outline_block *other, bool compared) {
    if (!compared) return SG_DRAWING_SAME;
    if (!own) return SG_DRAWING_LEFT_OUT;
    if (!other) return SG_DRAWING_ADDED;
    return sg_outline_same(own, other) ? SG_DRAWING_SAME : SG_DRAWING_CHANGED;
}

static void fill_pair(
        pair *p, const sg_outline_block *own, const sg_outline_block *other, bool compared) {
    *p = (pair){.block = own ? own : other, .mark = mark_of(own, other, compared)};
    for (int i = 0; i < p->block->layer_count; i++) p->lines[i] = p->block->layers[i];
    if (p->block->gate_reduction)
        snprintf(p->gate, sizeof p->gate, "SE 1/%lld", (long long)p->block->gate_reduction);
    if (p->block->dilation > 1)
        snprintf(p->dilation, sizeof p->dilation, "dilation %lld", (long long)p->block->dilation);
}

static int last_stage(const sg_outline *o) {
    return o->count ? o->blocks[o->count - 1].stage : 0;
}

static sg_status pairs_make(pairs *out, const shown *own, const shown *other, sg_error *err) {
    static const sg_outline nothing;
    const sg_outline *theirs = other ? &other->outline : &nothing;
    size_t most = (size_t)(own->outline.count + theirs->count) + 1;
    pairs p = {.items = calloc(most, sizeof *p.items), .blocks = calloc(most, sizeof *p.blocks)};
    if (!p.items || !p.blocks) {
        free(p.items);
        free(p.blocks);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for a drawing");
    }
    for (int stage = 0; stage <= last_stage(&own->outline); stage++)
        for (int i = 0;; i++) {
            const sg_outline_block *a = sg_outline_find(&own->outline, stage, i);
            const sg_outline_block *b = sg_outline_find(theirs, stage, i);
            if (!a && !b) break;
            fill_pair(&p.items[p.count++], a, b, other != NULL);
        }
    for (size_t i = 0; i < p.count; i++)
        p.blocks[i] = (sg_drawing_block){.name = p.items[i].block->name,
                .lines = p.items[i].lines,
                .line_count = (size_t)p.items[i].block->layer_count,
                .gate = p.items[i].gate[0] ? p.items[i].gate : NULL,
                .dilation = p.items[i].dilation[0] ? p.items[i].dilation : NULL,
                .mark = p.items[i].mark};
    *out = p;
    return SG_OK;
}

/* ---- the three ways to tell ---- */

static const char *const mark_names[] = {"same", "changed", "added", "left out"};

static void facts_of(char *out, size_t size, const shown *s, long long pixels) {
    snprintf(out, size,
            "%.2f M parameters, %.2f GMAC and %.1f MB of activations per image of %lld x %lld",
            (double)s->cost.parameters / 1e6, (double)s->cost.macs / 1e9,
            (double)s->cost.activation_bytes / 1e6, pixels, pixels);
}

static sg_status draw(const char *path, const shown *own, const shown *other, const pairs *p,
        long long pixels, sg_error *err) {
    enum { MOST = 8 };
    static const char *const titles[MOST] = {
            "stem", "stage 1", "stage 2", "stage 3", "stage 4", "head", "", ""};
    sg_drawing_stage stages[MOST];
    char sizes[MOST][64], facts[160];
    size_t count = 0;
    for (size_t i = 0; i < p->count; i++) {
        const pair *item = &p->items[i];
        bool begins = i == 0 || p->items[i - 1].block->stage != item->block->stage;
        if (begins && count == MOST) break;
        if (begins) {
            stages[count] = (sg_drawing_stage){.title = titles[item->block->stage % MOST],
                    .size = sizes[count],
                    .blocks = &p->blocks[i]};
            count++;
        }
        stages[count - 1].block_count++;
        if (item->mark != SG_DRAWING_LEFT_OUT)
            snprintf(sizes[count - 1], sizeof sizes[0], "%lld channels, %lld x %lld",
                    (long long)item->block->channels, (long long)item->block->width,
                    (long long)item->block->height);
    }
    facts_of(facts, sizeof facts, own, pixels);
    sg_drawing drawing = {.title = own->graph->name,
            .facts = facts,
            .compared = other ? other->graph->name : NULL,
            .stages = stages,
            .stage_count = count};
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_drawing_put_svg(&svg, &drawing);
    sg_status status = sg_str_check(&svg, err);
    if (!status) status = sg_file_write(path, svg.data, svg.len, err);
    sg_str_dispose(&svg);
    return status;
}

static void print_text(const shown *own, const shown *other, const pairs *p, long long pixels) {
    char facts[160];
    facts_of(facts, sizeof facts, own, pixels);
    printf("%s: %s\n", own->graph->name, facts);
    if (other) printf("beside %s: * changed, + added, - left out\n", other->graph->name);
    for (size_t i = 0; i < p->count; i++) {
        const pair *item = &p->items[i];
        const sg_outline_block *b = item->block;
        printf("%c %-20s %5lld x %3lld x %3lld ", " *+-"[item->mark], b -> name,
                (long long)b -> channels, (long long)b -> height, (long long)b -> width);
        for (int j = 0; j < b->layer_count; j++) printf("%s%s", j ? "; " : " ", b->layers[j]);
        if (item->gate[0]) printf("; %s", item->gate);
        putchar('\n');
    }
}

static json_t *describe(const shown *own, const shown *other, const pairs *p, long long pixels) {
    json_t *blocks = json_array();
    for (size_t i = 0; i < p->count; i++) {
        const sg_outline_block *b = p->items[i].block;
        json_t *layers = json_array();
        for (int j = 0; j < b->layer_count; j++)
            json_array_append_new(layers, json_string(b->layers[j]));
        json_array_append_new(blocks,
                json_pack("{s:s, s:i, s:s, s:o, s:I, s:I, s:b, s:[I,I,I], s:I}", "name", b->name,
                        "stage", b->stage, "beside_other", mark_names[p->items[i].mark], "layers",
                        layers, "se_reduction", (json_int_t)b->gate_reduction, "dilation",
                        (json_int_t)b->dilation, "projects", (int)b->projects, "output",
                        (json_int_t)b->channels, (json_int_t)b->height, (json_int_t)b->width,
                        "parameters", (json_int_t)b->parameters));
    }
    return json_pack("{s:i, s:s, s:s?, s:I, s:I, s:I, s:I, s:o}", "schema", 1, "name",
            own->graph->name, "compared", other ? other->graph->name : NULL, "size",
            (json_int_t)pixels, "parameters", (json_int_t)own->cost.parameters, "macs",
            (json_int_t)own->cost.macs, "activation_bytes", (json_int_t)own->cost.activation_bytes,
            "blocks", blocks);
}

static int run(const sg_call *call) {
    const show_options *o = call->options;
    const char *name = call->operands[0];
    sg_error err = SG_ERROR_INIT;
    sg_model_options model = SG_MODEL_OPTIONS_INIT;
    sg_model_options plain = SG_MODEL_OPTIONS_INIT;
    model.classes = plain.classes = o->classes;
    model.se_reduction = (int)o->se;
    model.dilation = (int)o->dilation;
    model.mobilenet_expand_first = o->expand_first;
    model.auxiliary = o->auxiliary;
    shown own = {0}, other = {0};
    pairs p = {0};
    sg_status status = parse_blocks(model.blocks, o->blocks, &err);
    if (!status) status = shown_open(&own, name, &model, o->size, &err);
    const sg_model_info *info = NULL;
    if (!status) status = sg_model_find(&info, name, &err);
    const char *compare = o->compare || !info ? o->compare : info->compare;
    if (!status && compare) status = shown_open(&other, compare, &plain, o->size, &err);
    const shown *beside = compare ? &other : NULL;
    if (!status) status = pairs_make(&p, &own, beside, &err);
    if (!status && o->svg) status = draw(o->svg, &own, beside, &p, o->size, &err);
    if (!status && call->json)
        sg_cli_print_json(describe(&own, beside, &p, o->size));
    else if (!status && !call->quiet)
        print_text(&own, beside, &p, o->size);
    free(p.items);
    free(p.blocks);
    shown_dispose(&own);
    shown_dispose(&other);
    return status ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_models_show = {
        .name = "models show",
        .operands = "MODEL",
        .summary = "show one architecture block by block, and draw it",
        .details = "Blocks that differ from the model it was made from are marked: dilated, gated "
                   "(SE), added or left out.",
        .examples = "sonograde models show mresnet --svg mresnet.svg\n"
                    "sonograde models show mresnetv2 --dilation 1 --json",
        .options = options,
        .struct_size = sizeof(show_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
