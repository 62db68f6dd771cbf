#include "replay/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES (64u << 10)
#define ROOM_BYTES  (EAR_FEED_LINE_MAX + CHUNK_BYTES)

struct ear_feed {
    int fd;
    bool owns_fd;
    struct ear_watch *watch; /* NULL: reading never blocks */
    bool readable, ended;
    bool skipping;            /* inside of a line that is too long */
    int failed;               /* errno */
    size_t from, scanned, to; /* of room: the line begins, no end up to here, bytes end */
    size_t line_len, next;    /* of the line that was shown; next 0: none was */
    size_t number;
    ear_feed_state shown;
    char room[ROOM_BYTES];
};

static void on_readable(void *self, unsigned events)
{
    struct ear_feed *feed = self;
    (void)events;
    feed->readable = true;
    ear_watch_set(feed->watch, 0);
}

ear_err ear_feed_open(struct ear_feed **out, struct ear_loop *loop, const char *path,
                      struct ear_diag *diag)
{
    bool own = path && strcmp(path, "-") != 0;
    int fd = own ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts))
        return ear_fail(diag, EAR_INVALID, "%s: %s", own ? path : "standard input",
                        strerror(errno));
    if (S_ISDIR(facts.st_mode)) {
        if (own) close(fd);
        return ear_fail(diag, EAR_INVALID, "%s is a folder", own ? path : "standard input");
    }
    struct ear_feed *feed = ear_alloc(sizeof(*feed));
    feed->fd = fd;
    feed->owns_fd = own;
    feed->shown = EAR_FEED_WAIT;
    /* Pipes and terminals can be watched; what cannot (files, /dev/null) does not block. */
    if (S_ISREG(facts.st_mode) || ear_watch_new(&feed->watch, loop, fd, on_readable, feed))
        feed->watch = NULL;
    *out = feed;
    return EAR_OK;
}

void ear_feed_free(struct ear_feed **feed)
{
    if (!*feed) return;
    if ((*feed)->watch) ear_watch_free(&(*feed)->watch);
    if ((*feed)->owns_fd) close((*feed)->fd);
    EAR_FREE(*feed);
}

const char *ear_feed_why(const struct ear_feed *feed)
{
    return strerror(feed->failed);
}

/* Reads what there is; false when the caller has to wait or nothing more comes. */
static bool fill(struct ear_feed *feed)
{
    if (feed->ended || feed->failed) return false;
    if (feed->watch && !feed->readable) {
        ear_watch_set(feed->watch, EAR_READABLE);
        return false;
    }
    memmove(feed->room, feed->room + feed->from, feed->to - feed->from);
    feed->to -= feed->from;
    feed->scanned -= feed->from;
    feed->from = 0;
    ssize_t got;
    do got = read(feed->fd, feed->room + feed->to, sizeof(feed->room) - feed->to);
    while (got < 0 && errno == EINTR);
    feed->readable = false;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (got < 0) feed->failed = errno;
    if (got == 0) feed->ended = true;
    if (got > 0) feed->to += (size_t)got;
    return true;
}

/* Finds the end of the line that begins at `from`; false when it is not there yet. */
static bool find_end(struct ear_feed *feed)
{
    const char *end = memchr(feed->room + feed->scanned, '\n', feed->to - feed->scanned);
    if (end) {
        feed->line_len = (size_t)(end - feed->room) - feed->from;
        feed->next = feed->from + feed->line_len + 1;
        return true;
    }
    feed->scanned = feed->to;
    if (feed->to - feed->from > EAR_FEED_LINE_MAX) {
        feed->skipping = true;
        feed->from = feed->scanned = feed->to = 0;
    }
    if (!feed->ended || (feed->from == feed->to && !feed->skipping)) return false;
    feed->line_len = feed->to - feed->from;
    feed->next = feed->to;
    return true;
}

static void step_over(struct ear_feed *feed)
{
    feed->from = feed->scanned = feed->next;
    feed->next = 0;
    feed->line_len = 0;
    feed->skipping = false;
    feed->shown = EAR_FEED_WAIT;
}

static ear_feed_state no_line(const struct ear_feed *feed)
{
    if (feed->failed) return EAR_FEED_FAILED;
    return feed->ended ? EAR_FEED_END : EAR_FEED_WAIT;
}

ear_feed_state ear_feed_peek(struct ear_feed *feed, struct ear_str *line, size_t *number)
{
    while (feed->shown != EAR_FEED_LINE && feed->shown != EAR_FEED_LONG) {
        if (!find_end(feed)) {
            if (!fill(feed)) return no_line(feed);
            continue;
        }
        feed->number++;
        bool is_long = feed->skipping || feed->line_len > EAR_FEED_LINE_MAX;
        struct ear_str text = {feed->room + feed->from, feed->line_len};
        if (is_long)
            feed->shown = EAR_FEED_LONG;
        else if (ear_str_trim(text).len > 0)
            feed->shown = EAR_FEED_LINE;
        else
            step_over(feed);
    }
    *line = ear_str_trim((struct ear_str){feed->room + feed->from, feed->line_len});
    *number = feed->number;
    return feed->shown;
}

void ear_feed_take(struct ear_feed *feed)
{
    EAR_CHECK(feed->shown == EAR_FEED_LINE || feed->shown == EAR_FEED_LONG);
    step_over(feed);
}
