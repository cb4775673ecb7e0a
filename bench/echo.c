/*
 * The MCP server behind every contender: newline-delimited JSON-RPC on stdio. Its tool `echo` returns its
 * argument `message`; `give` returns a text of the kind and size that `message` names, such as
 * "escapes 65536". In C, so that at 64 KiB it is not the bottleneck that it would be in
 * JavaScript. What the client sent is copied as it stands (the id of any type, the message with its
 * escapes), never decoded. Answers to all the lines that came in one read go out in one write.
 *
 * With `modern` as its first argument it speaks 2026-07-28 and nothing else; without, only what was
 * before. Other arguments are ignored: they make different servers of configuration entries.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A part of the line; NULL for absent. */
struct span {
  const char *at;
  size_t length;
};

/* A buffer that grows. */
struct buffer {
  char *bytes;
  size_t used, room;
};

static void make_room(struct buffer *buffer, size_t more) {
  if (buffer->room - buffer->used >= more) return;
  while (buffer->room - buffer->used < more) buffer->room = buffer->room ? buffer->room * 2 : 1 << 16;
  buffer->bytes = realloc(buffer->bytes, buffer->room);
  if (buffer->bytes == NULL) _exit(1);
}

static void put(struct buffer *buffer, const char *bytes, size_t length) {
  make_room(buffer, length);
  memcpy(buffer->bytes + buffer->used, bytes, length);
  buffer->used += length;
}

#define PUT(buffer, literal) put(buffer, literal, sizeof(literal) - 1)

static const char *skip_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\r')) at++;
  return at;
}

/* Behind the string that begins at `at`. */
static const char *skip_string(const char *at, const char *end) {
  for (at++; at < end;) {
    const char *quote = memchr(at, '"', end - at);
    if (quote == NULL) return end;
    const char *before = quote;
    while (before > at && before[-1] == '\\') before--;
    at = quote + 1;
    if ((quote - before) % 2 == 0) return at;
  }
  return end;
}

/* Behind the JSON value that begins at `at`. */
static const char *skip_value(const char *at, const char *end) {
  int depth = 0;
  while (at < end) {
    if (*at == '"') at = skip_string(at, end);
    else if (*at == '{' || *at == '[') depth++, at++;
    else if (*at == '}' || *at == ']') {
      if (depth == 0) return at;
      depth--, at++;
    } else if (depth == 0 && *at == ',') return at;
    else {
      at++;
      continue;
    }
    if (depth == 0) return at;
  }
  return end;
}

/* The value of `key` in the object `in`. */
static struct span member(struct span in, const char *key) {
  struct span found = {NULL, 0};
  if (in.at == NULL || in.length == 0 || *in.at != '{') return found;
  const char *at = in.at + 1, *end = in.at + in.length;
  size_t length = strlen(key);
  while ((at = skip_space(at, end)) < end && *at == '"') {
    const char *name = at + 1;
    const char *behind = skip_string(at, end);
    bool matches = (size_t)(behind - 1 - name) == length && memcmp(name, key, length) == 0;
    at = skip_space(behind, end);
    if (at >= end || *at != ':') return found;
    const char *value = skip_space(at + 1, end);
    at = skip_value(value, end);
    if (matches) {
      while (at > value && (at[-1] == ' ' || at[-1] == '\t')) at--;
      found.at = value, found.length = at - value;
      return found;
    }
    at = skip_space(at, end);
    if (at < end && *at == ',') at++;
  }
  return found;
}

static bool is(struct span value, const char *json) {
  return value.at != NULL && value.length == strlen(json) && memcmp(value.at, json, value.length) == 0;
}

/* What texts are made of, as JSON; the same as in request.ts. */
static const struct {
  const char *kind, *piece;
} KINDS[] = {
  {"plain", "the text is very plain! "},
  {"escapes", "\\\"a\\\\b\\\" is here\\n\\t\\\"c\\\" d "},
  {"unicode", "\\\"a\\\\b\\\"\\nÄhre für 漢字 "},
};

/* Puts the text that `wish` names, in quotes. */
static void give(struct span wish, struct buffer *out) {
  static struct buffer last, text;
  if (last.used != wish.length || memcmp(last.bytes, wish.at, wish.length) != 0) {
    last.used = text.used = 0;
    put(&last, wish.at, wish.length);
    PUT(&text, "\"");
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
      size_t kind = strlen(KINDS[i].kind), piece = strlen(KINDS[i].piece);
      if (wish.length < kind + 3 || memcmp(wish.at + 1, KINDS[i].kind, kind) != 0) continue;
      size_t size = strtoul(wish.at + 1 + kind, NULL, 10);
      while (text.used - 1 + piece <= size) put(&text, KINDS[i].piece, piece);
      while (text.used - 1 < size) PUT(&text, "x");
    }
    PUT(&text, "\"");
  }
  put(out, text.bytes, text.used);
}

/* Of 2026-07-28, where every result says what kind it is. */
static bool modern;

static void begin_result(struct buffer *out) {
  if (modern) PUT(out, ",\"result\":{\"resultType\":\"complete\",");
  else PUT(out, ",\"result\":{");
}

#define TOOL(name, about) \
  "{\"name\":\"" name "\",\"description\":\"" about "\",\"inputSchema\":{\"type\":\"object\"," \
  "\"properties\":{\"message\":{\"type\":\"string\"}},\"required\":[\"message\"]}}"

static void answer(struct span message, struct buffer *out) {
  struct span id = member(message, "id"), method = member(message, "method");
  if (id.at == NULL || method.at == NULL) return; /* A notification. */
  struct span params = member(message, "params");
  PUT(out, "{\"jsonrpc\":\"2.0\",\"id\":");
  put(out, id.at, id.length);
  if (is(method, "\"tools/call\"")) {
    struct span text = member(member(params, "arguments"), "message");
    begin_result(out);
    PUT(out, "\"content\":[{\"type\":\"text\",\"text\":");
    if (text.at == NULL) PUT(out, "\"\"");
    else if (is(member(params, "name"), "\"give\"")) give(text, out);
    else put(out, text.at, text.length);
    PUT(out, "}]}}\n");
  } else if (modern && is(method, "\"server/discover\"")) {
    begin_result(out);
    PUT(out, "\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},\"_meta\":"
             "{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"bench-echo\",\"version\":\"1.0.0\"}},"
             "\"ttlMs\":3600000,\"cacheScope\":\"public\"}}\n");
  } else if (!modern && is(method, "\"initialize\"")) {
    struct span version = member(params, "protocolVersion");
    PUT(out, ",\"result\":{\"protocolVersion\":");
    if (version.at == NULL) PUT(out, "\"2025-11-25\"");
    else put(out, version.at, version.length);
    PUT(out, ",\"capabilities\":{\"tools\":{}},"
             "\"serverInfo\":{\"name\":\"bench-echo\",\"version\":\"1.0.0\"}}}\n");
  } else if (is(method, "\"tools/list\"")) {
    begin_result(out);
    if (modern) PUT(out, "\"ttlMs\":3600000,\"cacheScope\":\"public\",");
    PUT(out, "\"tools\":[" TOOL("echo", "Returns its message") ","
             TOOL("give", "Returns a text of the kind and size in its message") "]}}\n");
  } else if (!modern && is(method, "\"ping\"")) {
    PUT(out, ",\"result\":{}}\n");
  } else {
    PUT(out, ",\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}\n");
  }
}

static void write_all(struct buffer *out) {
  for (size_t sent = 0; sent < out->used;) {
    ssize_t n = write(STDOUT_FILENO, out->bytes + sent, out->used - sent);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) _exit(0); /* Nobody reads any more. */
    sent += n;
  }
  out->used = 0;
}

int main(int count, char **arguments) {
  modern = count > 1 && strcmp(arguments[1], "modern") == 0;
  struct buffer in = {0}, out = {0};
  size_t searched = 0;
  for (;;) {
    make_room(&in, 1 << 16);
    ssize_t n = read(STDIN_FILENO, in.bytes + in.used, in.room - in.used);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return 0;
    in.used += n;
    size_t begin = 0;
    for (char *newline; (newline = memchr(in.bytes + searched, '\n', in.used - searched));) {
      size_t end = newline - in.bytes;
      const char *line = skip_space(in.bytes + begin, newline);
      answer((struct span){line, newline - line}, &out);
      begin = searched = end + 1;
    }
    write_all(&out);
    memmove(in.bytes, in.bytes + begin, in.used - begin);
    in.used -= begin;
    searched = in.used;
  }
}
