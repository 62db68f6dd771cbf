/* The engine: libcurl tells which sockets and which time-out it waits for, the loop watches them.
 */
#include "fetch/fetch.h"
#include "engine.h"
#include "metric/metric.h"
#include <stdlib.h>

#define EAR_METRIC EAR_METRIC_DECLARE
#include "metrics.def"
#undef EAR_METRIC
#define EAR_METRIC EAR_METRIC_DEFINE
#include "metrics.def"
#undef EAR_METRIC

#define CONNECTIONS_MAX      128L
#define CONNECTIONS_KEPT_MAX 32L
#define CONNECT_TIMEOUT_MS   INT64_C(10000)
#define TIMEOUT_DEFAULT_MS   INT64_C(30000)

struct ear_fetch {
    struct ear_loop *loop;   /* borrowed */
    CURLM *multi;            /* owned */
    struct ear_timer *timer; /* owned: curl's time-outs */
    struct ear_map *active;  /* id → struct ear_active, owned */
    uint64_t last_id;
    char *user_agent; /* owned */
};

/* A socket of libcurl's that the loop watches. */
struct sock {
    struct ear_fetch *fetch;
    curl_socket_t fd;
    struct ear_watch *watch;
};

static void reap(struct ear_fetch *fetch)
{
    int left = 0;
    for (CURLMsg *msg; (msg = curl_multi_info_read(fetch->multi, &left)) != NULL;) {
        if (msg->msg != CURLMSG_DONE) continue;
        struct ear_transfer *transfer = NULL;
        CURLcode code = msg->data.result;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &transfer);
        transfer->done(transfer, code);
    }
}

static void on_timer(void *self)
{
    struct ear_fetch *fetch = self;
    int running = 0;
    curl_multi_socket_action(fetch->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    reap(fetch);
}

static void on_socket(void *self, unsigned events)
{
    const struct sock *sock = self;
    struct ear_fetch *fetch = sock->fetch; /* the sock may go away inside socket_action */
    int flags = (events & EAR_READABLE ? CURL_CSELECT_IN : 0) |
                (events & EAR_WRITABLE ? CURL_CSELECT_OUT : 0);
    int running = 0;
    curl_multi_socket_action(fetch->multi, sock->fd, flags ? flags : CURL_CSELECT_ERR, &running);
    reap(fetch);
}

static struct sock *sock_new(struct ear_fetch *fetch, curl_socket_t fd)
{
    struct sock *sock = ear_alloc(sizeof(*sock));
    *sock = (struct sock){.fetch = fetch, .fd = fd};
    if (ear_watch_new(&sock->watch, fetch->loop, fd, on_socket, sock)) EAR_FREE(sock);
    return sock;
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *self, void *known)
{
    (void)easy;
    struct ear_fetch *fetch = self;
    struct sock *sock = known;
    if (what == CURL_POLL_REMOVE) {
        if (sock) ear_watch_free(&sock->watch);
        free(sock);
        return 0;
    }
    if (!sock) {
        sock = sock_new(fetch, fd);
        if (!sock) return -1;
        curl_multi_assign(fetch->multi, fd, sock);
    }
    ear_watch_set(sock->watch, (what & CURL_POLL_IN ? EAR_READABLE : 0) |
                                   (what & CURL_POLL_OUT ? EAR_WRITABLE : 0));
    return 0;
}

static int timeout_wanted(CURLM *multi, long timeout_ms, void *self)
{
    (void)multi;
    struct ear_fetch *fetch = self;
    if (timeout_ms < 0)
        ear_timer_stop(fetch->timer);
    else
        ear_timer_start(fetch->timer, timeout_ms, 0);
    return 0;
}

ear_err ear_fetch_new(struct ear_fetch **out, struct ear_loop *loop, const char *user_agent)
{
    *out = NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) return EAR_NO_MEMORY;
    struct ear_fetch *fetch = ear_alloc(sizeof(*fetch));
    *fetch = (struct ear_fetch){.loop = loop,
                                .multi = curl_multi_init(),
                                .active = ear_map_new(),
                                .user_agent = ear_strdup(user_agent)};
    ear_timer_new(&fetch->timer, loop, on_timer, fetch);
    if (!fetch->multi) {
        ear_fetch_free(&fetch);
        return EAR_NO_MEMORY;
    }
    curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
    curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETDATA, fetch);
    curl_multi_setopt(fetch->multi, CURLMOPT_TIMERFUNCTION, timeout_wanted);
    curl_multi_setopt(fetch->multi, CURLMOPT_TIMERDATA, fetch);
    curl_multi_setopt(fetch->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX);
    curl_multi_setopt(fetch->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT_MAX);
    *out = fetch;
    return EAR_OK;
}

static void drop_active(void *value)
{
    struct ear_active *active = value;
    active->drop(active);
}

void ear_fetch_free(struct ear_fetch **fetch)
{
    if (!*fetch) return;
    struct ear_fetch *f = *fetch;
    ear_map_free(&f->active, drop_active);
    if (f->multi) curl_multi_cleanup(f->multi);
    ear_timer_free(&f->timer);
    free(f->user_agent);
    EAR_FREE(*fetch);
    curl_global_cleanup();
}

struct ear_loop *ear_fetch_loop(struct ear_fetch *fetch)
{
    return fetch->loop;
}

/* ---- what is under way ---- */

size_t ear_fetch_active(const struct ear_fetch *fetch)
{
    return ear_map_count(fetch->active);
}

static struct ear_str id_key(const uint64_t *id)
{
    return (struct ear_str){(const char *)id, sizeof(*id)};
}

void ear_active_start(struct ear_active *active, struct ear_fetch *fetch, const char *url,
                      ear_fetch_fn *fn, void *self, void (*drop)(struct ear_active *active))
{
    struct ear_str rest = ear_str_from(url);
    struct ear_str scheme = EAR_STR_NONE;
    ear_str_split(&rest, ':', &scheme);
    *active = (struct ear_active){.fetch = fetch,
                                  .id = ++fetch->last_id,
                                  .fn = fn,
                                  .self = self,
                                  .started_ms = ear_clock_mono_ms(),
                                  .drop = drop};
    if (!ear_str_copy(active->scheme, sizeof(active->scheme), scheme)) active->scheme[0] = '\0';
    ear_map_put(fetch->active, id_key(&active->id), active);
}

void ear_active_finish(struct ear_active *active, const struct ear_fetch_result *result)
{
    static const char *const fates[] = {"not_sent", "unknown", "answered"};
    ear_map_take(active->fetch->active, id_key(&active->id));
    ear_metric_add(&M_FETCH_REQUESTS, 1, active->scheme, fates[result->fate]);
    ear_metric_observe(&M_FETCH_SECONDS, (double)(ear_clock_mono_ms() - active->started_ms) / 1000,
                       active->scheme);
    active->fn(active->self, result);
    active->drop(active);
}

void ear_fetch_cancel(struct ear_fetch *fetch, uint64_t id)
{
    struct ear_active *active = ear_map_take(fetch->active, id_key(&id));
    if (active) active->drop(active);
}

/* ---- transfers ---- */

/* Called with the address that is about to be connected to, behind any name look-up: a public name
 * that points to a private address is refused too. */
static curl_socket_t open_socket(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct ear_transfer *transfer = self;
    if (transfer->refuse_private && ear_address_private(address)) {
        transfer->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

ear_err ear_transfer_init(struct ear_transfer *transfer, struct ear_fetch *fetch,
                          const struct ear_fetch_request *request, struct ear_diag *diag)
{
    CURL *easy = curl_easy_init();
    if (!easy) return ear_fail(diag, EAR_NO_MEMORY, "curl cannot make a request");
    transfer->easy = easy;
    transfer->refuse_private = request->refuse_private;
    int64_t timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : TIMEOUT_DEFAULT_MS;
    int64_t connect_ms = timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->why);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, fetch->user_agent);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Giving up a request must not wait for the thread that still looks up its host's name. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,smtp,smtps,imap,imaps");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    if (request->ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
    if (request->user) curl_easy_setopt(easy, CURLOPT_USERNAME, request->user);
    if (request->password) curl_easy_setopt(easy, CURLOPT_PASSWORD, request->password);
    curl_easy_setopt(easy, CURLOPT_USE_SSL,
                     (long)(request->require_tls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    return EAR_OK;
}

void ear_transfer_release(struct ear_transfer *transfer, struct ear_fetch *fetch)
{
    if (!transfer->easy) return;
    curl_multi_remove_handle(fetch->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
    transfer->easy = NULL;
}

ear_err ear_transfer_start(struct ear_transfer *transfer, struct ear_fetch *fetch)
{
    return curl_multi_add_handle(fetch->multi, transfer->easy) ? EAR_NO_MEMORY : EAR_OK;
}
