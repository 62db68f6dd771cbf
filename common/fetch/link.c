/* Links: libcurl connects and logs in (CURLOPT_CONNECT_ONLY), then lends its socket. */
#include "engine.h"
#include <stdlib.h>

#define CHUNK_BYTES                                                              \
    16384 /* a whole TLS record, so that none stays behind unseen in the library \
           */
#define CHUNKS_A_TURN 16u
#define OUT_BYTES_MAX (1u << 20)

typedef enum link_state { LINK_CONNECTING, LINK_UP, LINK_DOWN } link_state;

struct ear_link {
    struct ear_transfer transfer;
    struct ear_fetch *fetch; /* borrowed */
    ear_link_fn *fn;
    void *self;
    link_state state;
    struct ear_watch *watch; /* owned, while up */
    struct ear_timer *more;  /* owned: reads on where a turn had enough */
    struct ear_buf out;      /* not yet taken by the socket */
    bool calling;            /* inside fn: closing waits */
    bool closing;
};

static void link_free(struct ear_link *link)
{
    /* A last word that nobody answers, such as QUIT, goes out if the socket takes it at once. */
    size_t sent = 0;
    if (link->state == LINK_UP && link->out.len)
        curl_easy_send(link->transfer.easy, link->out.data, link->out.len, &sent);
    ear_watch_free(&link->watch);
    ear_timer_free(&link->more);
    ear_transfer_release(&link->transfer, link->fetch);
    ear_buf_release(&link->out);
    free(link);
}

/* False: the link was closed inside and is gone. */
static bool tell(struct ear_link *link, ear_link_event event, struct ear_str data, ear_err err,
                 const char *why)
{
    link->calling = true;
    link->fn(link->self, event, data, err, why);
    link->calling = false;
    if (link->closing) {
        link_free(link);
        return false;
    }
    return true;
}

static void go_down(struct ear_link *link, ear_err err, const char *what)
{
    char peer[300];
    char why[CURL_ERROR_SIZE + 320];
    char *url = NULL;
    if (link->state == LINK_DOWN) return;
    link->state = LINK_DOWN;
    ear_watch_free(&link->watch);
    ear_timer_stop(link->more);
    curl_easy_getinfo(link->transfer.easy, CURLINFO_EFFECTIVE_URL, &url);
    ear_url_peer(url ? url : "", peer, sizeof(peer));
    snprintf(why, sizeof(why), "%s: %s", peer, what);
    tell(link, EAR_LINK_DOWN, EAR_STR_NONE, err, why);
}

/* False: down, perhaps gone. */
static bool flush(struct ear_link *link)
{
    while (link->out.len) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(link->transfer.easy, link->out.data, link->out.len, &sent);
        if (code == CURLE_AGAIN) break;
        if (code) {
            go_down(link, EAR_UNAVAILABLE, "the connection broke while sending");
            return false;
        }
        ear_buf_consume(&link->out, sent);
    }
    ear_watch_set(link->watch, EAR_READABLE | (link->out.len ? EAR_WRITABLE : 0));
    return true;
}

static void drain(void *self)
{
    struct ear_link *link = self;
    char chunk[CHUNK_BYTES];
    for (unsigned i = 0; i < CHUNKS_A_TURN; i++) {
        size_t got = 0;
        CURLcode code = curl_easy_recv(link->transfer.easy, chunk, sizeof(chunk), &got);
        if (code == CURLE_AGAIN) return;
        if (code || !got) {
            go_down(link, EAR_UNAVAILABLE, "the server closed the connection");
            return;
        }
        if (!tell(link, EAR_LINK_DATA, (struct ear_str){chunk, got}, EAR_OK, "")) return;
    }
    ear_timer_start(link->more, 0, 0);
}

static void on_ready(void *self, unsigned events)
{
    struct ear_link *link = self;
    if ((events & EAR_WRITABLE) && !flush(link)) return;
    if (events & EAR_READABLE || !events) drain(link);
}

static void connected(struct ear_transfer *transfer, CURLcode code)
{
    struct ear_link *link = EAR_CONTAINER(transfer, struct ear_link, transfer);
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (code) {
        const char *what = transfer->refused  ? "its address is private, which is not allowed here"
                           : transfer->why[0] ? transfer->why
                                              : curl_easy_strerror(code);
        go_down(link, ear_fetch_err(transfer, code), what);
        return;
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (fd == CURL_SOCKET_BAD ||
        ear_watch_new(&link->watch, ear_fetch_loop(link->fetch), fd, on_ready, link)) {
        go_down(link, EAR_UNAVAILABLE, "the connection was lost at once");
        return;
    }
    link->state = LINK_UP;
    ear_watch_set(link->watch, EAR_READABLE);
    tell(link, EAR_LINK_UP, EAR_STR_NONE, EAR_OK, "");
}

ear_err ear_link_start(struct ear_link **out, struct ear_fetch *fetch,
                       const struct ear_fetch_request *request, ear_link_fn *fn, void *self,
                       struct ear_diag *diag)
{
    *out = NULL;
    struct ear_link *link = ear_alloc(sizeof(*link));
    *link = (struct ear_link){.fetch = fetch, .fn = fn, .self = self};
    link->transfer.done = connected;
    ear_buf_init(&link->out, OUT_BYTES_MAX);
    ear_timer_new(&link->more, ear_fetch_loop(fetch), drain, link);
    ear_err err = ear_transfer_init(&link->transfer, fetch, request, diag);
    if (!err) {
        curl_easy_setopt(link->transfer.easy, CURLOPT_CONNECT_ONLY, 1L);
        curl_easy_setopt(link->transfer.easy, CURLOPT_FRESH_CONNECT, 1L);
        if (ear_transfer_start(&link->transfer, fetch))
            err = ear_fail(diag, EAR_NO_MEMORY, "curl cannot start a connection");
    }
    if (err) {
        link_free(link);
        return err;
    }
    *out = link;
    return EAR_OK;
}

ear_err ear_link_open(struct ear_link **out, struct ear_fetch *fetch,
                      const struct ear_fetch_request *request, ear_link_fn *fn, void *self,
                      struct ear_diag *diag)
{
    *out = NULL;
    ear_err err = ear_url_check(ear_str_from(request->url), "imap,imaps", diag);
    return err ? err : ear_link_start(out, fetch, request, fn, self, diag);
}

int ear_link_status(const struct ear_link *link)
{
    long status = 0;
    curl_easy_getinfo(link->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

size_t ear_link_waiting(const struct ear_link *link)
{
    return link->out.len;
}

ear_err ear_link_send(struct ear_link *link, struct ear_str data)
{
    if (link->state != LINK_UP) return EAR_OK; /* DOWN was or will be told */
    ear_err err = ear_buf_append_str(&link->out, data);
    if (!err) ear_watch_set(link->watch, EAR_READABLE | EAR_WRITABLE);
    return err;
}

void ear_link_close(struct ear_link **link)
{
    if (!*link) return;
    if ((*link)->calling)
        (*link)->closing = true;
    else
        link_free(*link);
    *link = NULL;
}
