#include "private.h"
#include <netdb.h>
#include <stdlib.h>

#define ADDRESSES_MAX 256

struct ear_resolve {
    uv_getaddrinfo_t uv;
    struct ear_loop *loop;
    ear_resolve_fn *fn; /* NULL: nobody waits any more */
    void *self;
    ear_err early; /* the look-up could not even start */
};

struct addresses {
    char text[ADDRESSES_MAX][UV_IF_NAMESIZE + INET6_ADDRSTRLEN];
    const char *sorted[ADDRESSES_MAX];
    size_t count;
};

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void collect(struct addresses *found, const struct addrinfo *list)
{
    for (const struct addrinfo *one = list; one && found->count < ADDRESSES_MAX;
         one = one->ai_next) {
        char *text = found->text[found->count];
        if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof(found->text[0]), NULL, 0,
                        NI_NUMERICHOST) == 0) {
            found->sorted[found->count++] = text;
        }
    }
    qsort(found->sorted, found->count, sizeof(found->sorted[0]), compare);
    size_t kept = 0;
    for (size_t i = 0; i < found->count; i++) {
        if (kept == 0 || strcmp(found->sorted[kept - 1], found->sorted[i]) != 0) {
            found->sorted[kept++] = found->sorted[i];
        }
    }
    found->count = kept;
}

static ear_err status_err(int status)
{
    switch (status) {
    case 0:
        return EAR_OK;
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
    case UV_EAI_ADDRFAMILY:
        return EAR_NOT_FOUND;
    default:
        return EAR_UNAVAILABLE;
    }
}

static void finish(struct ear_resolve *resolve, ear_err err, const struct addrinfo *list)
{
    struct ear_loop *loop = resolve->loop;
    if (!resolve->fn) {
        free(resolve);
        return;
    }
    struct addresses *found = ear_alloc(sizeof(*found));
    if (err == EAR_OK) collect(found, list);
    if (err == EAR_OK && found->count == 0) err = EAR_NOT_FOUND;
    loop->live--;
    resolve->fn(resolve->self, err, found->sorted, found->count);
    free(found);
    free(resolve);
}

static void on_found(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct ear_resolve *resolve = req->data;
    ear_loop_woken(resolve->loop);
    finish(resolve, status_err(status), list);
    uv_freeaddrinfo(list);
}

static void on_early(void *self)
{
    struct ear_resolve *resolve = self;
    finish(resolve, resolve->early, NULL);
}

void ear_resolve_start(struct ear_resolve **token, struct ear_loop *loop, const char *host,
                       ear_resolve_fn *fn, void *self)
{
    struct ear_resolve *resolve = ear_alloc(sizeof(*resolve));
    resolve->loop = loop;
    resolve->fn = fn;
    resolve->self = self;
    resolve->uv.data = resolve;
    loop->live++;
    if (token) *token = resolve;
    /* Numeric hosts come back from getaddrinfo without a question to anybody. */
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    sigset_t before;
    ear_signals_hold(&before); /* it may make libuv's threads, which are to take none */
    int rc = uv_getaddrinfo(&loop->uv, &resolve->uv, on_found, host, NULL, &hints);
    ear_signals_let(&before);
    if (rc == 0) return;
    resolve->early = rc == UV_ENOMEM ? EAR_UNAVAILABLE : EAR_NOT_FOUND;
    ear_loop_later(loop, on_early, resolve);
}

void ear_resolve_forget(struct ear_resolve **token)
{
    struct ear_resolve *resolve = *token;
    if (!resolve) return;
    resolve->fn = NULL;
    resolve->loop->live--;
    uv_cancel((uv_req_t *)&resolve->uv);
    *token = NULL;
}
