/**
 * Formats of secrets that can be recognized with certainty enough to say so, as data: the reviewer
 * finds them in files, the sample server blanks them in what it shows.
 *
 * Every quantifier is bounded, so that matching is linear in the text. The named group `secret` is the
 * part that must never be shown; what stands before it is the public prefix of the format.
 *
 * @module
 */

/** One format. */
export interface SecretFormat {
  /** Last part of the reviewer's rule id. */
  id: string;
  /** What it is, as a person calls it. */
  title: string;
  /** With a group named `secret`. No flags `g` or `y`. */
  pattern: RegExp;
  /** Found in the whole match, it is a placeholder and no secret. */
  except?: RegExp;
}

/** Words that documentation and templates put where a secret goes. */
export const PLACEHOLDER =
  /example|sample|placeholder|your|change_?me|dummy|redacted|x{5}|\*{3}|\.{3}|0{8}|12345678/i;

/** Every format, in the order they are documented. */
export const SECRET_FORMATS: readonly SecretFormat[] = [
  {
    id: "aws-access-key",
    title: "AWS access key id",
    pattern: /(?<![A-Za-z0-9+/=_])(?:AKIA|ASIA)(?<secret>[A-Z2-7]{16})(?![A-Za-z0-9+/=_])/,
    except: PLACEHOLDER,
  },
  {
    id: "aws-secret-key",
    title: "AWS secret access key",
    pattern:
      /aws[\w.-]{0,20}secret[\w.-]{0,20}["']?\s{0,5}(?:[:=]|=>)\s{0,5}["']?(?<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/i,
    except: PLACEHOLDER,
  },
  {
    id: "github-token",
    title: "GitHub token",
    pattern:
      /(?<![A-Za-z0-9_])(?:gh[pousr]_|github_pat_)(?<secret>[A-Za-z0-9]{36}(?![A-Za-z0-9_])|[A-Za-z0-9]{22}_[A-Za-z0-9]{59}(?![A-Za-z0-9_]))/,
    except: PLACEHOLDER,
  },
  {
    id: "gitlab-token",
    title: "GitLab token",
    pattern: /(?<![A-Za-z0-9_-])gl(?:pat|dt|rt)-(?<secret>[A-Za-z0-9_-]{20,64})(?![A-Za-z0-9_-])/,
    except: PLACEHOLDER,
  },
  {
    id: "slack-token",
    title: "Slack token or webhook",
    pattern:
      /(?<![A-Za-z0-9])(?:xox[abeoprs]-|hooks\.slack\.com\/services\/T)(?<secret>(?:[0-9A-Za-z]{1,40}-){1,6}[0-9A-Za-z]{10,200}|[0-9A-Z]{6,14}\/B[0-9A-Z]{6,14}\/[0-9A-Za-z]{20,40})/,
    except: PLACEHOLDER,
  },
  {
    id: "llm-api-key",
    title: "API key of a language model provider",
    pattern:
      /(?<![A-Za-z0-9_-])sk-(?:ant-|proj-|svcacct-|or-v1-)(?<secret>[A-Za-z0-9_-]{32,256})(?![A-Za-z0-9_-])/,
    except: PLACEHOLDER,
  },
  {
    id: "google-api-key",
    title: "Google API key",
    pattern: /(?<![A-Za-z0-9_-])AIza(?<secret>[A-Za-z0-9_-]{35})(?![A-Za-z0-9_-])/,
    except: PLACEHOLDER,
  },
  {
    id: "stripe-key",
    title: "Stripe live key",
    pattern: /(?<![A-Za-z0-9_])(?:sk|rk)_live_(?<secret>[A-Za-z0-9]{16,128})(?![A-Za-z0-9_])/,
    except: PLACEHOLDER,
  },
  {
    id: "npm-token",
    title: "npm token",
    pattern: /(?<![A-Za-z0-9_])npm_(?<secret>[A-Za-z0-9]{36})(?![A-Za-z0-9_])/,
    except: PLACEHOLDER,
  },
  {
    id: "private-key",
    title: "private key",
    pattern:
      /-----BEGIN (?:RSA |EC |DSA |OPENSSH |PGP )?PRIVATE KEY(?: BLOCK)?-----(?:\\[rn]|[\s"'`+,]){0,40}(?<secret>[A-Za-z0-9+/=](?:\\[rn]|[A-Za-z0-9+/=\s"'`,]){63,16000})/,
  },
  {
    id: "url-credentials",
    title: "URL with a password",
    pattern:
      /(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,20}:\/\/[^\s/?#:@"'`<>${}()%*\\]{1,100}:(?<secret>[^\s/?#:@"'`<>${}()*\\]{3,200})@(?!localhost\b|127\.|0\.0\.0\.0|\[::1\]|(?:[\w-]{1,63}\.){0,5}example\b)[A-Za-z0-9[]/,
    except: /:\/\/[^@]{0,120}:(?:pass|password|passwd|secret|pwd|token|user|username)@|%s|%d|x{3}/i,
  },
];
