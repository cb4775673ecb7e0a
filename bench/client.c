/*
 * The load generator for what `wrk` does not speak: newline-delimited JSON-RPC over a Unix socket or over
 * the standard streams of a program, and WebSockets. As `wrk` does, it keeps a number of calls waiting
 * all the time and measures each; in C, so that it is not what is measured.
 *
 *   client unix PATH                             a connection for each call that waits
 *   client ws PORT PATH                          the same, at 127.0.0.1
 *   client stdio COMMAND [ARGUMENT ...]          one program, all calls over its one pair of streams
 *
 * In the environment:
 *   BENCH_CALLS    calls that wait at any time
 *   BENCH_SECONDS  how long
 *   BENCH_REQUEST  file with the request; what stands for its id is 9999999999
 *   BENCH_OPENING  file with lines to send first on every connection, one after the other: a line with
 *                  an "id" is answered before the next is sent. Empty for none
 *   BENCH_WANTED   file with what every answer must contain; not looked for when empty
 *
 * Prints one line of JSON, the same as load.lua. Ends with 1 and a message when a connection fails.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ID "9999999999"
#define ID_LENGTH 10
#define FIRST_ID 1000000000LL

static void fail(const char *what) {
  fprintf(stderr, "%s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(1);
}

struct buffer {
  char *bytes;
  size_t used, room;
};

static void make_room(struct buffer *buffer, size_t more) {
  if (buffer->room - buffer->used >= more) return;
  while (buffer->room - buffer->used < more) buffer->room = buffer->room ? buffer->room * 2 : 1 << 16;
  buffer->bytes = realloc(buffer->bytes, buffer->room);
  if (buffer->bytes == NULL) fail("no memory");
}

static void put(struct buffer *buffer, const char *bytes, size_t length) {
  make_room(buffer, length);
  memcpy(buffer->bytes + buffer->used, bytes, length);
  buffer->used += length;
}

static struct buffer read_file(const char *name) {
  struct buffer content = {0};
  const char *path = getenv(name);
  if (path == NULL || *path == '\0') return content;
  FILE *file = fopen(path, "r");
  if (file == NULL) fail(path);
  for (size_t n = 1; n > 0; content.used += n) {
    make_room(&content, 1 << 16);
    n = fread(content.bytes + content.used, 1, 1 << 16, file);
  }
  fclose(file);
  return content;
}

static int64_t now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000000000LL + at.tv_nsec;
}

/* What is sent, and where its id stands. */
static struct buffer request, opening, wanted;
static size_t id_at;
static bool web_socket;

/* One connection, or the streams of the one program. */
struct connection {
  int in, out;
  struct buffer received, unsent;
  size_t searched;
};

/* When the call was sent, by its id; a power of two above any number of calls that wait. */
#define SLOTS 4096
static int64_t sent_at[SLOTS];
static int64_t next_id = FIRST_ID;
static long wrong;
static char sample[301];

/* Latencies, nanoseconds. */
static struct {
  int64_t *values;
  size_t used, room;
} latencies;

static void note(int64_t value) {
  if (latencies.used == latencies.room) {
    latencies.room = latencies.room ? latencies.room * 2 : 1 << 20;
    latencies.values = realloc(latencies.values, latencies.room * sizeof value);
    if (latencies.values == NULL) fail("no memory");
  }
  latencies.values[latencies.used++] = value;
}

/* Sends what it can now; the rest waits for poll. */
static void flush(struct connection *connection) {
  struct buffer *unsent = &connection->unsent;
  size_t done = 0;
  while (done < unsent->used) {
    ssize_t n = write(connection->out, unsent->bytes + done, unsent->used - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) fail("cannot send");
    done += n;
  }
  memmove(unsent->bytes, unsent->bytes + done, unsent->used - done);
  unsent->used -= done;
}

/* Queues a message: as a line, or as a frame that is masked with nothing. RFC 6455, 5.2. */
static void queue(struct connection *connection, const char *bytes, size_t length) {
  struct buffer *unsent = &connection->unsent;
  if (!web_socket) {
    put(unsent, bytes, length);
    put(unsent, "\n", 1);
    return;
  }
  unsigned char head[14] = {0x81};
  size_t used = 2;
  if (length < 126) head[1] = 0x80 | length;
  else {
    int width = length < 65536 ? 2 : 8;
    head[1] = 0x80 | (width == 2 ? 126 : 127);
    for (int i = width - 1; i >= 0; i--) head[used++] = (uint64_t)length >> (8 * i);
  }
  put(unsent, (char *)head, used + 4);
  put(unsent, bytes, length);
}

static void call(struct connection *connection) {
  char digits[ID_LENGTH + 1];
  snprintf(digits, sizeof digits, "%lld", (long long)next_id);
  memcpy(request.bytes + id_at, digits, ID_LENGTH);
  sent_at[next_id++ % SLOTS] = now();
  queue(connection, request.bytes, request.used);
}

/* The id in an answer: it stands near its beginning or near its end. -1 when there is none. */
static int64_t id_of(const char *message, size_t length) {
  size_t edge = length < 64 ? length : 64;
  const char *at = memmem(message, edge, "\"id\":", 5);
  if (at == NULL) at = memmem(message + length - edge, edge, "\"id\":", 5);
  return at == NULL ? -1 : strtoll(at + 5, NULL, 10);
}

/* Takes a message. Whether it was the answer to a call. */
static bool take(const char *message, size_t length) {
  int64_t id = id_of(message, length);
  if (id < FIRST_ID || id >= next_id) return false; /* A notification, or of the opening. */
  note(now() - sent_at[id % SLOTS]);
  bool right = memmem(message, length, "\"result\"", 8) != NULL &&
               (wanted.used == 0 || memmem(message, length, wanted.bytes, wanted.used) != NULL);
  if (right) return true;
  wrong++;
  snprintf(sample, sizeof sample, "%.*s", (int)(length < 300 ? length : 300), message);
  for (char *c = sample; *c; c++) if (*c == '"' || *c == '\\' || *c < ' ') *c = '\'';
  return true;
}

/* The next message of what was received: its bytes, and how many bytes it takes up. 0 when it is not whole. */
static size_t next_message(struct connection *connection, size_t from, const char **message, size_t *length) {
  const unsigned char *at = (unsigned char *)connection->received.bytes + from;
  size_t there = connection->received.used - from;
  if (!web_socket) {
    size_t begin = connection->searched > from ? connection->searched : from;
    char *newline = memchr(connection->received.bytes + begin, '\n', connection->received.used - begin);
    connection->searched = newline ? 0 : connection->received.used;
    if (newline == NULL) return 0;
    *message = (const char *)at, *length = newline - (const char *)at;
    return *length + 1;
  }
  if (there < 2) return 0;
  size_t head = 2, content = at[1] & 0x7f;
  int width = content == 126 ? 2 : content == 127 ? 8 : 0;
  if (there < head + width) return 0;
  if (width > 0) content = 0;
  for (int i = 0; i < width; i++) content = content << 8 | at[head++];
  if (there < head + content) return 0;
  errno = 0;
  if (at[0] == 0x88) fail("the server closed the WebSocket");
  *message = (const char *)at + head, *length = at[0] == 0x81 ? content : 0; /* Pings and the like. */
  return head + content;
}

/* Reads once. The number of calls that were answered. */
static int receive(struct connection *connection) {
  struct buffer *received = &connection->received;
  make_room(received, 1 << 18);
  ssize_t n = read(connection->in, received->bytes + received->used, received->room - received->used);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return 0;
  if (n <= 0) fail(n == 0 ? "the connection was closed" : "cannot receive");
  received->used += n;
  int answered = 0;
  size_t done = 0, taken, length;
  const char *message;
  while ((taken = next_message(connection, done, &message, &length)) > 0) {
    if (take(message, length)) answered++;
    done += taken;
  }
  memmove(received->bytes, received->bytes + done, received->used - done);
  received->used -= done;
  if (connection->searched >= done) connection->searched -= done;
  return answered;
}

/* Sends the lines that begin a connection, each after the answer to the one before. */
static void open_with_lines(struct connection *connection) {
  const char *at = opening.bytes, *end = opening.bytes + opening.used;
  while (at < end) {
    const char *newline = memchr(at, '\n', end - at);
    size_t length = (newline ? newline : end) - at;
    queue(connection, at, length);
    flush(connection);
    bool asks = memmem(at, length, "\"id\":", 5) != NULL;
    const char *message;
    size_t answer, taken = 0;
    while (asks && (taken = next_message(connection, 0, &message, &answer)) == 0) {
      make_room(&connection->received, 1 << 16);
      ssize_t n = read(connection->in, connection->received.bytes + connection->received.used, 1 << 16);
      errno = 0;
      if (n <= 0) fail("the connection was closed at its beginning");
      connection->received.used += n;
    }
    if (asks && memmem(message, answer, "\"result\"", 8) == NULL) {
      fprintf(stderr, "refused at the beginning: %.*s\n", (int)answer, message);
      exit(1);
    }
    memmove(connection->received.bytes, connection->received.bytes + taken, connection->received.used - taken);
    connection->received.used -= taken;
    at += length + 1;
  }
}

static int connect_unix(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  errno = 0;
  if (strlen(path) >= sizeof address.sun_path) fail("the path of the socket is too long");
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) fail(path);
  return fd;
}

/* A WebSocket; the answer to the upgrade is read byte by byte, so that nothing behind it is lost. */
static int connect_web_socket(const char *port, const char *path) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("cannot connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  char head[4096];
  int length = snprintf(head, sizeof head,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YmVuY2hiZW5jaGJlbmNoMQ==\r\n"
                        "Sec-WebSocket-Protocol: mcp\r\n\r\n",
                        path, port);
  if (write(fd, head, length) != length) fail("cannot send");
  size_t used = 0;
  while (used < sizeof head - 1 && (used < 4 || memcmp(head + used - 4, "\r\n\r\n", 4) != 0))
    if (read(fd, head + used++, 1) != 1) fail("no answer to the upgrade");
  errno = 0;
  if (strncmp(head, "HTTP/1.1 101", 12) != 0) fail("the upgrade was refused");
  return fd;
}

static pid_t start(char **command, struct connection *connection) {
  int in[2], out[2];
  if (pipe(in) < 0 || pipe(out) < 0) fail("pipe");
  pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    dup2(in[0], STDIN_FILENO), dup2(out[1], STDOUT_FILENO);
    close(in[0]), close(in[1]), close(out[0]), close(out[1]);
    execvp(command[0], command);
    fail(command[0]);
  }
  close(in[0]), close(out[1]);
  connection->out = in[1], connection->in = out[0];
  return pid;
}

static int ascending(const void *a, const void *b) {
  int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return left < right ? -1 : left > right;
}

static double percentile(double part) {
  if (latencies.used == 0) return 0;
  size_t at = part * latencies.used;
  return latencies.values[at < latencies.used ? at : latencies.used - 1] / 1e6;
}

/* Processor time that the program has used by now, milliseconds; 0 where there is no /proc. */
static double cpu_ms(pid_t pid) {
  char path[64], stat[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE *file = pid > 0 ? fopen(path, "r") : NULL;
  if (file == NULL) return 0;
  size_t length = fread(stat, 1, sizeof stat - 1, file);
  fclose(file);
  stat[length] = '\0';
  unsigned long user = 0, system = 0;
  char *at = strrchr(stat, ')'); /* Behind its name, which may contain anything. */
  if (at) sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  return (user + system) * 1000.0 / sysconf(_SC_CLK_TCK);
}

static void print(double seconds, double cpu) {
  qsort(latencies.values, latencies.used, sizeof(int64_t), ascending);
  printf("{\"requests\":%zu,\"seconds\":%.6f,\"p50Ms\":%.4f,\"p99Ms\":%.4f,\"failed\":0,\"wrong\":%ld,"
         "\"sample\":\"%s\",\"cpuMs\":%.1f}\n",
         latencies.used, seconds, percentile(0.5), percentile(0.99), wrong, sample, cpu);
}

int main(int count, char **arguments) {
  if (count < 3) fail("usage: client unix PATH | ws PORT PATH | stdio COMMAND [ARGUMENT ...]");
  signal(SIGPIPE, SIG_IGN);
  int calls = atoi(getenv("BENCH_CALLS"));
  double seconds = atof(getenv("BENCH_SECONDS"));
  request = read_file("BENCH_REQUEST"), opening = read_file("BENCH_OPENING"), wanted = read_file("BENCH_WANTED");
  char *id = memmem(request.bytes, request.used, ID, ID_LENGTH);
  errno = 0;
  if (id == NULL) fail("the request has no id " ID);
  if (calls < 1 || calls >= SLOTS) fail("BENCH_CALLS must be from 1 to 4095");
  id_at = id - request.bytes;
  web_socket = strcmp(arguments[1], "ws") == 0;
  bool one = strcmp(arguments[1], "stdio") == 0;

  int connections = one ? 1 : calls;
  struct connection *all = calloc(connections, sizeof *all);
  struct pollfd *polled = calloc(2 * connections, sizeof *polled);
  pid_t child = 0;
  for (int i = 0; i < connections; i++) {
    if (one) child = start(arguments + 2, &all[i]);
    else all[i].in = all[i].out = web_socket ? connect_web_socket(arguments[2], arguments[3]) : connect_unix(arguments[2]);
    open_with_lines(&all[i]);
    fcntl(all[i].in, F_SETFL, O_NONBLOCK), fcntl(all[i].out, F_SETFL, O_NONBLOCK);
  }

  double cpu = cpu_ms(child);
  int64_t begin = now(), end = begin + seconds * 1e9, at = begin;
  for (int i = 0; i < connections; i++) {
    for (int j = 0; j < (one ? calls : 1); j++) call(&all[i]);
    flush(&all[i]);
  }
  while ((at = now()) < end) {
    for (int i = 0; i < connections; i++) {
      polled[2 * i] = (struct pollfd){.fd = all[i].in, .events = POLLIN};
      polled[2 * i + 1] = (struct pollfd){.fd = all[i].unsent.used > 0 ? all[i].out : -1, .events = POLLOUT};
    }
    if (poll(polled, 2 * connections, (end - at) / 1000000 + 1) < 0 && errno != EINTR) fail("poll");
    for (int i = 0; i < connections; i++) {
      if (polled[2 * i].revents)
        for (int answered = receive(&all[i]); answered > 0; answered--) call(&all[i]);
      if (all[i].unsent.used > 0) flush(&all[i]);
    }
  }
  print((at - begin) / 1e9, cpu_ms(child) - cpu);
  fflush(stdout);
  /* The program ends at the end of its input; whatever it still had to say nobody reads. */
  if (child > 0) {
    close(all[0].out), close(all[0].in);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
  }
  return 0;
}
