/*
 * The load generator: load PORT FILE MODE CONNECTIONS DEPTH WARMUP SECONDS PLAIN|TLS. Says 'measuring' when it begins to,
 * and ends with one line of JSON.
 *
 * FILE holds a cycle of messages (messages.ts): as client frames, encoded and masked beforehand, one behind the other, and
 * as plain payloads. Every connection sends that cycle round and round, each from another place in it, and keeps DEPTH
 * messages unanswered. Nothing is allocated or encoded while it runs. An answer may be cut into frames in any way; its
 * length and type are checked always, its bytes until the connection has seen the whole cycle once; from then on, if all
 * messages are long, the kernel throws their payload away, so that it is not this program's copying that is measured.
 * Where nothing comes it asks again and does not sleep: to wake a client costs a server nothing where the two are on
 * machines of their own. But in front of a relay it does, for the server behind it has the same core.
 *
 *   echo       each connection gets its own messages back           bare   the same, masked frames as they were sent
 *   relay      the same, asleep where nothing comes
 *   broadcast  the first connection sends, every one gets it        idle   connects, says so, and waits for stdin to end
 *
 * One file, so that one call of `cc` builds it (-DWITH_TLS -lssl where OpenSSL's headers are); load.ts takes its place elsewhere.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/ssl.h>
#endif

enum { CARRY = 16, READ = 512 * 1024, SKIM = 2048, LONG = 64 * 1024, BUCKETS = 1 << 20, BUCKET_NS = 100, DRAIN_SECONDS = 10, EVENTS = 1024 };
enum { CONTINUATION = 0, CLOSE = 8, FIN = 0x80, MASKED = 0x80 };

typedef struct {
  uint32_t frame_at, payload_at, payload_length;
} Message;

typedef struct {
  int fd;
  bool waits_for_room;
  bool inside, final;       /* a message is unfinished; the frame being read is its last */
  uint8_t carried;          /* bytes of an unfinished header, kept in carry */
  uint8_t carry[CARRY];
  uint32_t first;           /* where in the cycle this connection begins */
  uint32_t position;        /* payload bytes seen of the message being read */
  uint64_t remaining;       /* payload bytes to come of the frame being read */
  uint64_t answered;        /* whole messages */
  uint64_t sent, allowed;   /* places in the endless stream of frames */
  uint64_t sent_at;
#ifdef WITH_TLS
  SSL *tls;
#endif
} Connection;

static uint32_t least_length = UINT32_MAX;
static Message *messages;
static uint32_t count;
static const uint8_t *frames, *payloads;
static uint64_t cycle_length;

static Connection *connections;
static int total, poller;
static uint64_t depth, answers;
static bool bare, broadcast, sending = true, measuring;
#ifdef WITH_TLS
static SSL_CTX *tls_context;
#endif
static uint32_t histogram[BUCKETS];
static uint8_t room[CARRY + READ];

static void fail(const char *why) {
  fprintf(stderr, "%s\n", why);
  exit(1);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void open_cycle(const char *path) {
  int fd = open(path, O_RDONLY);
  struct stat status;
  if (fd < 0 || fstat(fd, &status)) fail("the file of messages cannot be read");
  const uint8_t *file = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  const uint32_t *numbers = (const uint32_t *)file;
  count = numbers[0];
  messages = malloc(count * sizeof *messages);
  uint32_t frame_at = 0, payload_at = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t frame_length = numbers[1 + 2 * i], payload_length = numbers[2 + 2 * i];
    messages[i] = (Message){frame_at, payload_at, payload_length};
    frame_at += frame_length;
    payload_at += payload_length;
    if (payload_length < least_length) least_length = payload_length;
  }
  cycle_length = frame_at;
  frames = file + 4 + 8 * count;
  payloads = frames + frame_at;
}

/* Where in the endless stream of frames message number n begins. */
static uint64_t stream_place(uint64_t n) {
  return n / count * cycle_length + messages[n % count].frame_at;
}

/* Both answer bytes, 0 for "not now", or end the program. */
static size_t take(Connection *connection, uint8_t *into, size_t most) {
#ifdef WITH_TLS
  if (connection->tls) {
    int got = SSL_read(connection->tls, into, most);
    if (got > 0) return got;
    if (SSL_get_error(connection->tls, got) != SSL_ERROR_WANT_READ) fail("the server ended a connection");
    return 0;
  }
#endif
  ssize_t got = recv(connection->fd, into, most, 0);
  if (got > 0) return got;
  if (got == 0 || errno != EAGAIN) fail("the server ended a connection");
  return 0;
}

/* Has the kernel throw away up to `most` bytes; answers how many, 0 for "not now". */
static size_t discard(Connection *connection, size_t most) {
  ssize_t gone = recv(connection->fd, NULL, most, MSG_TRUNC);
  if (gone > 0) return gone;
  if (gone == 0 || errno != EAGAIN) fail("the server ended a connection");
  return 0;
}

static size_t give(Connection *connection, const uint8_t *from, size_t length) {
#ifdef WITH_TLS
  if (connection->tls) {
    int went = SSL_write(connection->tls, from, length);
    if (went > 0) return went;
    if (SSL_get_error(connection->tls, went) != SSL_ERROR_WANT_WRITE) fail("the server ended a connection");
    return 0;
  }
#endif
  ssize_t went = send(connection->fd, from, length, MSG_NOSIGNAL);
  if (went >= 0) return went;
  if (errno != EAGAIN) fail("the server ended a connection");
  return 0;
}

static void send_allowed(Connection *connection) {
  bool full = false;
  while (!full && connection->sent < connection->allowed) {
    uint64_t at = connection->sent % cycle_length, length = connection->allowed - connection->sent;
    if (length > cycle_length - at) length = cycle_length - at;
    size_t went = give(connection, frames + at, length);
    connection->sent += went;
    full = went == 0;
  }
  if (full == connection->waits_for_room) return;
  connection->waits_for_room = full;
  struct epoll_event event = {.events = full ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = connection};
  epoll_ctl(poller, EPOLL_CTL_MOD, connection->fd, &event);
}

static void record_delay(Connection *sender) {
  if (!measuring) return;
  uint64_t bucket = (now() - sender->sent_at) / BUCKET_NS;
  histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
}

static void allow_next(Connection *connection) {
  if (!sending) return;
  uint64_t done = broadcast ? answers / total : connection->answered;
  uint64_t allowed = stream_place(connection->first + done + depth);
  if (allowed == connection->allowed) return;
  connection->allowed = allowed;
  if (depth == 1) connection->sent_at = now();
}

static void message_answered(Connection *connection) {
  connection->answered++;
  connection->position = 0;
  answers++;
  if (broadcast && answers % total == 0) {
    record_delay(connections);
    allow_next(connections);
    send_allowed(connections);
  } else if (!broadcast && depth == 1) {
    record_delay(connection);
  }
}

/* Answers the length of the frame's header, or 0 where it is not all here. */
static size_t read_header(Connection *connection, const uint8_t *bytes, size_t available) {
  if (available < 2) return 0;
  size_t used = 2;
  uint64_t length = bytes[1] & 127;
  if (length == 126) {
    if (available < 4) return 0;
    length = bytes[2] << 8 | bytes[3];
    used = 4;
  } else if (length == 127) {
    if (available < 10) return 0;
    length = 0;
    for (int i = 2; i < 10; i++) length = length << 8 | bytes[i];
    used = 10;
  }
  if (bare != !!(bytes[1] & MASKED)) fail("a frame's masking is wrong");
  if (bare) used += 4;
  if (available < used) return 0;

  const Message *message = &messages[(connection->first + connection->answered) % count];
  int opcode = !connection->inside ? frames[message->frame_at] & 15 : CONTINUATION;
  if ((bytes[0] & ~FIN) != opcode) fail("a frame's type is wrong");
  connection->final = bytes[0] & FIN;
  connection->remaining = length;
  connection->inside = !connection->final;
  if (connection->position + length > message->payload_length) fail("an answer is longer than what was sent");
  return used;
}

static void check_payload(Connection *connection, const uint8_t *bytes, size_t length) {
  if (connection->answered >= count) return;
  const Message *message = &messages[(connection->first + connection->answered) % count];
  const uint8_t *expected = payloads + message->payload_at;
  if (bare) {
    uint32_t next = message - messages + 1;
    expected = frames + (next < count ? messages[next].frame_at : cycle_length) - message->payload_length;
  }
  if (memcmp(bytes, expected + connection->position, length)) fail("an answer differs from what was sent");
}

/* Counts `length` payload bytes of the frame being read; says whether it goes on. */
static bool count_payload(Connection *connection, size_t length) {
  connection->position += length;
  connection->remaining -= length;
  if (connection->remaining) return true;
  if (!connection->final) return false;
  const Message *message = &messages[(connection->first + connection->answered) % count];
  if (connection->position != message->payload_length) fail("an answer is shorter than what was sent");
  message_answered(connection);
  return false;
}

/* Walks the frames in ptr..end; `remaining` and `carry` keep what is cut off at its end. */
static void walk(Connection *connection, const uint8_t *ptr, const uint8_t *end) {
  bool inside_payload = connection->remaining > 0;
  while (ptr < end) {
    if (!inside_payload) {
      size_t used = read_header(connection, ptr, end - ptr);
      if (!used) break;
      ptr += used;
    }
    size_t length = end - ptr;
    if (length > connection->remaining) length = connection->remaining;
    check_payload(connection, ptr, length);
    ptr += length;
    inside_payload = count_payload(connection, length);
  }
  connection->carried = end - ptr;
  memcpy(connection->carry, ptr, end - ptr);
}

/* Whether only headers need be looked at: all messages are long, and were checked. */
static bool skims(Connection *connection) {
#ifdef WITH_TLS
  if (connection->tls) return false;
#endif
  return least_length >= LONG && connection->answered >= count;
}

static void receive(Connection *connection) {
  size_t got;
  bool more;
  do {
    bool skim = skims(connection);
    if (skim && connection->remaining) {
      got = discard(connection, connection->remaining);
      count_payload(connection, got);
      more = got;
      continue;
    }
    uint8_t *start = room + CARRY - connection->carried;
    memcpy(start, connection->carry, connection->carried);
    got = take(connection, room + CARRY, skim ? SKIM : READ);
    if (got) walk(connection, start, room + CARRY + got);
    more = skim && got == SKIM;
#ifdef WITH_TLS
    if (got && connection->tls) more = SSL_has_pending(connection->tls);
#endif
  } while (more);
  if (!broadcast) {
    allow_next(connection);
    send_allowed(connection);
  }
}

/* Nanoseconds in which there was nothing to do. */
static uint64_t idle;
static bool sleeps;

static bool drained(void) {
  for (int i = 0; i < total; i++) {
    Connection *connection = &connections[broadcast ? 0 : i];
    uint64_t done = connection->first + connections[i].answered;
    if (connection->allowed != stream_place(done) || connection->sent != connection->allowed) return false;
  }
  return true;
}

static void run_until(uint64_t deadline, bool until_drained) {
  struct epoll_event events[EVENTS];
  for (;;) {
    uint64_t time = now();
    if (time >= deadline || (until_drained && drained())) return;
    int ready = epoll_wait(poller, events, EVENTS, 0);
    if (!ready) {
      if (sleeps) ready = epoll_wait(poller, events, EVENTS, (deadline - time) / 1000000 + 1);
      idle += now() - time;
    }
    for (int i = 0; i < ready; i++) {
      if (events[i].events & EPOLLOUT) send_allowed(events[i].data.ptr);
      if (events[i].events & ~EPOLLOUT) receive(events[i].data.ptr);
    }
  }
}

static void connect_one(Connection *connection, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1;
  connection->fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(connection->fd, (struct sockaddr *)&address, sizeof address)) fail("the server does not accept connections");
#ifdef WITH_TLS
  if (tls_context) {
    connection->tls = SSL_new(tls_context);
    SSL_set_fd(connection->tls, connection->fd);
    if (SSL_connect(connection->tls) != 1) fail("the server does not speak TLS");
  }
#endif
  /* The key and the answer that RFC 6455 §1.3 gives as its example. */
  char request[256], answer[4096];
  int length = snprintf(request, sizeof request,
                        "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", port);
  give(connection, (uint8_t *)request, length);
  size_t got = 0;
  do {
    got += take(connection, (uint8_t *)answer + got, sizeof answer - 1 - got);
    answer[got] = 0;
  } while (got < sizeof answer - 1 && !strstr(answer, "\r\n\r\n"));
  if (strncmp(answer, "HTTP/1.1 101", 12) || !strstr(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) fail("the server refuses the handshake");
  fcntl(connection->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  epoll_ctl(poller, EPOLL_CTL_ADD, connection->fd, &event);
}

/* Microseconds that the given share of the recorded delays did not exceed. */
static double percentile(double share) {
  uint64_t recorded = 0, seen = 0;
  for (int i = 0; i < BUCKETS; i++) recorded += histogram[i];
  for (int i = 0; i < BUCKETS; i++) {
    seen += histogram[i];
    if (seen && seen >= recorded * share) return (i + 1) * (BUCKET_NS / 1000.0);
  }
  return 0;
}

static void say_goodbye(void) {
  static const uint8_t frame[] = {FIN | CLOSE, MASKED | 2, 0, 0, 0, 0, 1000 >> 8, 1000 & 255};
  uint64_t deadline = now() + 1000000000ull;
  for (int i = 0; i < total; i++) {
    give(&connections[i], frame, sizeof frame);
    shutdown(connections[i].fd, SHUT_WR);
  }
  for (int i = 0; i < total && now() < deadline; i++) {
    struct timeval most = {.tv_usec = 100000};
    fcntl(connections[i].fd, F_SETFL, 0);
    setsockopt(connections[i].fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    while (recv(connections[i].fd, room, READ, 0) > 0);
  }
}

int main(int arguments, char **argument) {
  if (arguments != 9) fail("load PORT FILE MODE CONNECTIONS DEPTH WARMUP SECONDS PLAIN|TLS");
  const char *mode = argument[3];
  total = atoi(argument[4]);
  depth = atoi(argument[5]);
  uint64_t warmup = atof(argument[6]) * 1e9, length = atof(argument[7]) * 1e9;
  bare = !strcmp(mode, "bare");
  broadcast = !strcmp(mode, "broadcast");
  sleeps = !strcmp(mode, "relay");
  open_cycle(argument[2]);

#ifdef WITH_TLS
  if (!strcmp(argument[8], "TLS")) {
    tls_context = SSL_CTX_new(TLS_client_method());
    /* The cipher that browsers ask for first, and as many records in one read as there are. */
    SSL_CTX_set_ciphersuites(tls_context, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_read_ahead(tls_context, 1);
    SSL_CTX_set_default_read_buffer_len(tls_context, READ);
    SSL_CTX_set_mode(tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
#endif
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  poller = epoll_create1(0);
  connections = calloc(total, sizeof *connections);
  for (int i = 0; i < total; i++) {
    connect_one(&connections[i], atoi(argument[1]));
    connections[i].first = broadcast ? 0 : i * 7 % count;
    connections[i].sent = connections[i].allowed = stream_place(connections[i].first);
  }
  if (!strcmp(mode, "idle")) {
    printf("{\"open\":%d}\n", total);
    fflush(stdout);
    while (read(0, room, READ) > 0);
    return 0;
  }

  uint64_t started = now();
  for (int i = 0; i < (broadcast ? 1 : total); i++) {
    allow_next(&connections[i]);
    send_allowed(&connections[i]);
  }
  run_until(started + warmup, false);
  puts("measuring");
  fflush(stdout);
  measuring = true;
  uint64_t from = now(), before = answers;
  uint64_t idle_before = idle;
  run_until(from + length, false);
  double seconds = (now() - from) / 1e9, busy = seconds - (idle - idle_before) / 1e9;
  uint64_t measured = answers - before;
  measuring = sending = false;
  run_until(now() + DRAIN_SECONDS * 1000000000ull, true);
  if (!drained()) fail("answers are missing");

  uint64_t least = UINT64_MAX;
  for (int i = 0; i < total; i++) if (connections[i].answered < least) least = connections[i].answered;
  if (!least) fail("a connection got no answer");
  printf("{\"messages\":%lu,\"seconds\":%.4f,\"busy\":%.3f,\"p50\":%.1f,\"p99\":%.1f}\n", measured, seconds, busy / seconds,
         depth == 1 ? percentile(0.5) : 0, depth == 1 ? percentile(0.99) : 0);
  fflush(stdout);
  say_goodbye();
}
