#include "care/care_open.h"

#include "care/care_file.h"

ear_exit ear_care_open(const char *path, struct ear_buf *text, json_t **care)
{
    struct ear_diag diag = {0};
    bool input = strcmp(path, "-") == 0;
    ear_buf_init(text, EAR_CARE_FILE_BYTES_MAX);
    if (input) ear_ctl_await_input();
    if (ear_file_read(input ? "/dev/stdin" : path, text, &diag))
        return ear_ctl_fail_file("%s", diag.text);
    return ear_ctl_exit_of(ear_care_parse(ear_buf_str(text), path, care, stderr));
}
