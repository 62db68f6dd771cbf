/* signals: what a post shows, counted; the only thing the heads see. Cues (in rules/) raise
 * signals in one language each, so what is learned about signals holds for all of them.
 *
 * Values are small: 0 nothing, 1 a hint, 2 clear, 3 certain; they add up and end at
 * EAR_SIGNAL_MAX. */
#ifndef EAR_MODEL_SIGNALS_H
#define EAR_MODEL_SIGNALS_H

#define EAR_SIGNAL_MAX 4

/*    name       raised by */
#define EAR_SIGNAL_TABLE(X)                                               \
    X(ASK, "asks for information or how to")                              \
    X(WANT, "asks the firm to do something")                              \
    X(TROUBLE, "something does not work or did not come, told neutrally") \
    X(BLAME, "dissatisfaction said aloud")                                \
    X(RAGE, "fury, swearing, leaving, suing")                             \
    X(AGAIN, "again, still, for weeks: repeated failure")                 \
    X(THANK, "thanks and compliments")                                    \
    X(JOY, "good mood")                                                   \
    X(SAD, "bad mood")                                                    \
    X(WISH, "an idea, a feature wanted")                                  \
    X(PROMO, "advertising, scam, follow-bait")                            \
    X(FACT, "facts given to an agent: model, number, 'sent'")             \
    X(CHAT, "talk among others: games, music, news, plans")               \
    X(BLOCKED, "cannot go on, or a time is set")                          \
    X(LIFE, "life and limb: fire, injury, trapped, stranded")             \
    X(DANGER, "fraud, takeover, law")                                     \
    X(SELF, "I, my, we")                                                  \
    X(FIRM, "you, your, dear, hello: speaks to somebody")                 \
    X(DELIVERY, "topic")                                                  \
    X(BILLING, "topic")                                                   \
    X(ACCOUNT, "topic")                                                   \
    X(FAULT, "topic")                                                     \
    X(OUTAGE, "topic")                                                    \
    X(BOOKING, "topic")                                                   \
    X(REFUND, "topic")                                                    \
    X(STAFF, "topic")                                                     \
    X(HOWTO, "topic")                                                     \
    X(FEATURE, "topic")                                                   \
    X(NEGATION, "turns praise before a break round")                      \
    X(MENTION, "names the account, or is written to it alone")            \
    X(OTHERS, "opens with somebody else's handle, or repeats a post")     \
    X(QUESTION, "a question mark")                                        \
    X(SHOUT, "exclamation marks, capitals")                               \
    X(LINK, "a URL")                                                      \
    X(TAGS, "hashtags")                                                   \
    X(SHORT, "a few words only")                                          \
    X(LONG, "a story")                                                    \
    X(BIAS, "always 1")

typedef enum ear_signal {
#define X(name, text) EAR_SIGNAL_##name,
    EAR_SIGNAL_TABLE(X)
#undef X
        EAR_SIGNAL_COUNT
} ear_signal;

struct ear_signals {
    float value[EAR_SIGNAL_COUNT];
};

const char *ear_signal_name(ear_signal signal); /* static text, lower case in logs */

static inline void ear_signal_raise(struct ear_signals *s, ear_signal signal, float by)
{
    float sum = s->value[signal] + by;
    s->value[signal] = sum > EAR_SIGNAL_MAX ? EAR_SIGNAL_MAX : sum;
}

#endif
