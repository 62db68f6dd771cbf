/* Writes the model of tests/lib/word_model.h: word_model FILE [swap] */
#include "word_model.h"

int main(int argc, char **argv)
{
    struct ear_buf file;
    struct ear_diag diag = {0};
    if (argc < 2) return 2;
    ear_buf_init(&file, (size_t)64 * 1024 * 1024);
    word_model_write(argc > 2, &file);
    bool failed = ear_file_write(argv[1], ear_buf_str(&file), 0644, &diag) != EAR_OK;
    ear_buf_release(&file);
    return failed;
}
