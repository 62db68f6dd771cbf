/* care_model NAME [TOPIC TOPIC TOPIC] >FILE: writes the small model of care_model.h, for scripts.
 */
#include "care_model.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct ear_str topics[] = {care_topics[0], care_topics[1], care_topics[2]};
    struct ear_buf file;
    if (argc != 2 && argc != 5) return 2;
    for (int i = 2; i < argc; i++) topics[i - 2] = ear_str_from(argv[i]);
    ear_buf_init(&file, (size_t)64 * 1024 * 1024);
    care_model_write(argv[1], topics, 0.5F, &file);
    bool written = fwrite(file.data, 1, file.len, stdout) == file.len && fflush(stdout) == 0;
    ear_buf_release(&file);
    return written ? 0 : 1;
}
