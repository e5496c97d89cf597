/* predict_one.c - predicts one image with the installed library.
 *   cc predict_one.c $(pkg-config --cflags --libs sonograde) -o predict_one
 *   ./predict_one model.sgb image.png
 * SPDX-License-Identifier: Apache-2.0 */
#include <sonograde/predictor.h>
#include <stdio.h>

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: predict_one MODEL IMAGE\n");
        return 2;
    }
    sg_error err = SG_ERROR_INIT;
    sg_predictor_options options = SG_PREDICTOR_OPTIONS_INIT;
    options.allow_phantom_model = true;
    sg_predictor *predictor = NULL;
    sg_prediction result;
    sg_status status = sg_predictor_open(&predictor, argv[1], &options, &err);
    if (!status) status = sg_predictor_predict_file(predictor, &result, argv[2], &err);
    if (status) {
        fprintf(stderr, "predict_one: %s\n", err.message);
    } else {
        printf("looks most like %s\n", sg_predictor_class(predictor, result.top));
        for (int i = 0; i < result.classes; i++)
            printf("%s %.4f\n", sg_predictor_class(predictor, i), result.probability[i]);
        printf("Research use only. Not a medical device.\n");
    }
    sg_predictor_close(predictor);
    return status ? 1 : 0;
}
