/* URLs, by libcurl's own parser: what we check is what it will connect to. */
#include "engine.h"

ear_err ear_url_escape(struct ear_str text, struct ear_buf *out)
{
    static const char keep[] = "-._~";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     (c && strchr(keep, c));
        ear_err err = plain ? ear_buf_append_char(out, (char)c) : ear_buf_printf(out, "%%%02X", c);
        if (err) return err;
    }
    return EAR_OK;
}

static bool scheme_listed(struct ear_str schemes, struct ear_str scheme)
{
    for (struct ear_str one; ear_str_split(&schemes, ',', &one);)
        if (ear_str_eq_nocase(ear_str_trim(one), scheme)) return true;
    return false;
}

ear_err ear_url_check(struct ear_str url, const char *schemes, struct ear_diag *diag)
{
    char text[2048];
    if (!ear_str_copy(text, sizeof(text), url))
        return ear_fail(diag, EAR_INVALID, "the URL is longer than %zu bytes", sizeof(text) - 1);
    CURLU *parsed = curl_url();
    char *scheme = NULL;
    char *host = NULL;
    ear_err err = EAR_OK;
    if (!parsed) return ear_fail(diag, EAR_NO_MEMORY, "no memory to read a URL");
    if (curl_url_set(parsed, CURLUPART_URL, text, 0) ||
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) || !*host)
        err = ear_fail(diag, EAR_INVALID, "not a URL with a scheme and a host");
    else if (!scheme_listed(ear_str_from(schemes), ear_str_from(scheme)))
        err = ear_fail(diag, EAR_INVALID, "the URL must begin with one of: %s", schemes);
    curl_free(host);
    curl_free(scheme);
    curl_url_cleanup(parsed);
    return err;
}

void ear_url_peer(const char *url, char *text, size_t size_bytes)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL;
    char *host = NULL;
    char *port = NULL;
    text[0] = '\0';
    if (parsed && !curl_url_set(parsed, CURLUPART_URL, url, 0) &&
        !curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) &&
        !curl_url_get(parsed, CURLUPART_HOST, &host, 0)) {
        curl_url_get(parsed, CURLUPART_PORT, &port, 0);
        snprintf(text, size_bytes, "%s://%s%s%s", scheme, host, port ? ":" : "", port ? port : "");
    }
    curl_free(port);
    curl_free(host);
    curl_free(scheme);
    curl_url_cleanup(parsed);
}
