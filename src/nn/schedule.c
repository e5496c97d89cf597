/* schedule.c - see schedule.h. Warm-up rises from peak/steps to peak; Loshchilov and Hutter 2017
 * for the cosine. SPDX-License-Identifier: Apache-2.0 */
#include "nn/schedule.h"
#include <math.h>

double sg_schedule_rate(const sg_schedule *s, int64_t step) {
    static const double pi = 3.14159265358979323846;
    double total = s->total_steps > 0 ? (double)s->total_steps : 1.0;
    double at = (double)step, warmup = s->warmup * total;
    if (at < warmup) return s->learning_rate * fmin(1.0, (at + 1.0) / warmup);
    switch (s->kind) {
    case SG_SCHEDULE_COSINE: {
        double progress = fmin(1.0, (at - warmup) / (total - warmup));
        double share = s->floor + (1.0 - s->floor) * 0.5 * (1.0 + cos(pi * progress));
        return s->learning_rate * share;
    }
    case SG_SCHEDULE_STEP: {
        double drops = s->step_every > 0 ? floor(at / (s->step_every * total)) : 0.0;
        return s->learning_rate * pow(s->step_factor, drops);
    }
    case SG_SCHEDULE_CONSTANT:
        break;
    }
    return s->learning_rate;
}
