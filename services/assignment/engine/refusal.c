#include "engine/refusal.h"

#include <stdarg.h>
#include <stdio.h>

#define NAME_BYTES_MAX 64 /* of a team and of an agent, see care.yaml */

void ear_refuse(struct ear_book *book, struct ear_answer *answer, const char *error,
                const char *fmt, ...)
{
    char text[EAR_DIAG_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    *answer =
        (struct ear_answer){.error = error, .message = ear_book_copy(book, ear_str_from(text))};
}

/* A name as it was given, whole letters of it: who has a longer one is not in care.yaml. */
static struct ear_str said(const char *name)
{
    size_t len = strlen(name);
    if (len > NAME_BYTES_MAX)
        for (len = NAME_BYTES_MAX; len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80;) len--;
    return (struct ear_str){name, len};
}

void ear_refuse_agent(struct ear_book *book, struct ear_answer *answer, const char *error,
                      const char *id)
{
    bool left = ear_care_agent(book->care, id) != NULL;
    ear_refuse(book, answer, error,
               "no agent '%.*s' in care.yaml%s: earshotctl agent list shows all",
               EAR_STR_ARG(said(id)), left ? " any more" : "");
}

void ear_refuse_team(struct ear_book *book, struct ear_answer *answer, const char *id)
{
    const struct ear_care *care = book->care;
    char names[EAR_DIAG_TEXT_BYTES / 2] = "";
    size_t used = 0, i;
    for (i = 0; i < care->team_count && used + NAME_BYTES_MAX + 3 < sizeof(names); i++)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
                                 care->teams[i].id);
    ear_refuse(book, answer, "not_found", "no team '%.*s' in care.yaml; there %s %s%s",
               EAR_STR_ARG(said(id)), care->team_count > 1 ? "are" : "is", used ? names : "none",
               i < care->team_count ? " …" : "");
}
