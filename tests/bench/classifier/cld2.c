/* CLD2 as a filter, to compare with: texts on standard input, one a line; the code of the
 * language and 1, or 0 where it is not sure of it, on standard output. CLD2 is a library of C++;
 * what is needed of it takes plain C types, so it is declared here by the names that the linker
 * knows. tests/bench/classifier/run builds this where libcld2 is installed. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

int detect(const char *text, int length, bool plain,
           bool *reliable) __asm__("_ZN4CLD214DetectLanguageEPKcibPb");
const char *code_of(int language) __asm__("_ZN4CLD212LanguageCodeENS_8LanguageE");

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    while ((len = getline(&line, &size, stdin)) > 0) {
        bool reliable = false;
        int language = detect(line, (int)len, true, &reliable);
        printf("%s\t%d\n", code_of(language), reliable);
    }
    free(line);
    return 0;
}
