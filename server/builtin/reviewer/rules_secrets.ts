/**
 * Rules for secrets, as data: one for each known format. They look at every text file, in whatever
 * language, comments and strings included.
 *
 * @module
 */

import { SECRET_FORMATS, type SecretFormat } from "../secret_formats.ts";
import type { Severity } from "./result.ts";
import type { TextRule } from "./rule.ts";

interface Details {
  severity: Severity;
  cwe?: string;
  remedy?: string;
  bad: readonly string[];
  good: readonly string[];
}

// Examples are put together from pieces, so that no scanner, this one included, takes this file for a
// leak.
const LETTERS = "R7qTzL2vXw9KbN4mHs6YpDfG3cJtA5eUaQ8BxZ1o";
const UPPER = "QYLPMN5HFIQR7XYATBCDE2";
const body = "MIIEowIBAAKCAQEAv7QnLk2Zx9fTqPw3mRs8Yb".repeat(3);
const pem = (kind: string, line: string) =>
  `-----BEGIN ${kind}PRIVATE` + ` KEY-----${line}${body}${line}-----END ${kind}PRIVATE` +
  " KEY-----";

const DETAILS: Record<string, Details> = {
  "aws-access-key": {
    severity: "critical",
    bad: [`const id = "AKIA${UPPER.slice(0, 16)}";`, `# ASIA${UPPER.slice(1, 17)}`],
    good: ['const id = "AKIA' + 'IOSFODNN7EXAMPLE";', `x = "AKIA${UPPER}"`, 'id = "AKIA1234"'],
  },
  "aws-secret-key": {
    severity: "critical",
    bad: [
      `AWS_SECRET_ACCESS_KEY=${LETTERS}`,
      `const config = { awsSecretAccessKey: "${LETTERS}" };`,
      `aws_secret_access_key = '${LETTERS.slice(0, 38)}/+'`,
    ],
    good: [
      "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY",
      "const key = process.env.AWS_SECRET_ACCESS_KEY;",
      "aws_secret_access_key = os.environ['AWS_SECRET_ACCESS_KEY']",
    ],
  },
  "github-token": {
    severity: "critical",
    bad: [
      `const token = "ghp_${LETTERS.slice(0, 36)}";`,
      `// github_pat_${LETTERS.slice(0, 22)}_${LETTERS}${LETTERS.slice(0, 19)}`,
    ],
    good: [`"ghp_${"x".repeat(36)}"`, '"ghp_short"', `"ghp_${LETTERS.slice(0, 36)}_more"`],
  },
  "gitlab-token": {
    severity: "critical",
    bad: [`TOKEN = "glpat-${LETTERS.slice(0, 20)}"`],
    good: ['"glpat-xxxxxxxxxxxxxxxxxxxx"', '"glpat-"'],
  },
  "slack-token": {
    severity: "critical",
    bad: [
      `slack("xoxb-${"2316475890"}-${"6610294837"}-${LETTERS.slice(0, 24)}")`,
      `url = "https://hooks.slack.com/services/T${UPPER.slice(0, 8)}/B${UPPER.slice(2, 10)}/${
        LETTERS.slice(0, 24)
      }"`,
    ],
    good: ['slack("xoxb-your-token-here")', '"https://hooks.slack.com/services/T000/B000/XXXX"'],
  },
  "llm-api-key": {
    severity: "critical",
    bad: [`key = "sk-ant-api03-${LETTERS}${LETTERS}"`, `OPENAI_API_KEY=sk-proj-${LETTERS}`],
    good: ['"sk-ant-..."', '"sk-proj-your-key-goes-here-0000000000000000000"', '"task-proj-x"'],
  },
  "google-api-key": {
    severity: "high",
    bad: [`const key = "AIza${LETTERS.slice(0, 35)}";`],
    good: [`"AIza${LETTERS.slice(0, 20)}"`, `"AIza${LETTERS}"`],
  },
  "stripe-key": {
    severity: "critical",
    bad: [`stripe("sk_live_${LETTERS.slice(0, 24)}")`],
    good: [`stripe("sk_test_${LETTERS.slice(0, 24)}")`, '"sk_live_xxxxxxxxxxxxxxxxxxxxxxxx"'],
  },
  "npm-token": {
    severity: "critical",
    bad: [`//registry.npmjs.org/:_authToken=npm_${LETTERS.slice(0, 36)}`],
    good: ["//registry.npmjs.org/:_authToken=${NPM_TOKEN}", "npm_config_registry"],
  },
  "private-key": {
    severity: "critical",
    cwe: "CWE-321",
    bad: [pem("RSA ", "\n"), `const key = "${pem("", "\\n")}";`, pem("OPENSSH ", "\r\n")],
    good: [
      '"-----BEGIN PRIVATE' + ' KEY-----"',
      "-----BEGIN PUBLIC KEY-----\n" + body,
      "-----BEGIN RSA PRIVATE" + " KEY-----\n...\n-----END RSA PRIVATE" + " KEY-----",
    ],
  },
  "url-credentials": {
    severity: "high",
    remedy: "Change the password now, and read it from the environment or a secret store.",
    bad: [
      'fetch("https://admin:' + 'h7Gz2pQ@db.internal/x")',
      "DATABASE_URL=postgresql+asyncpg://app:" + "s3cr.et!9@db.acme.io:5432/app",
    ],
    good: [
      '"https://user:' + 'password@host.io/"',
      "`https://${user}:${password}@host.io/`",
      '"postgres://postgres:' + 'postgres@localhost/x"',
      '"https://host.io:8080/a@b"',
      '"http://app:' + 's3cret@example.com/"',
    ],
  },
};

function secretRule(format: SecretFormat): TextRule {
  const details = DETAILS[format.id];
  return {
    kind: "text",
    id: `secret-${format.id}`,
    title: format.title,
    severity: details.severity,
    languages: "any",
    cwe: details.cwe ?? "CWE-798",
    owasp: "A07:2021",
    pattern: format.pattern,
    except: format.except,
    message: `This looks like a ${format.title} written into the file.`.replace(
      /\ba (?=A)/,
      "an ",
    ),
    remedy: details.remedy ??
      "Revoke it now, and read the new one from the environment or a secret store.",
    examples: { bad: details.bad, good: details.good },
  };
}

/**
 * A long random text under a telling name, in no format that is known. Words, paths and placeholders
 * have fewer bits a letter than a key of base64 (about 5) or of hexadecimal digits (about 3.7).
 */
const ENTROPY_RULE: TextRule = {
  kind: "text",
  id: "secret-high-entropy",
  title: "random text under the name of a secret",
  severity: "high",
  languages: "any",
  cwe: "CWE-798",
  owasp: "A07:2021",
  pattern:
    /(?<![A-Za-z0-9])(?:[A-Za-z0-9]{1,30}[_.-]?){0,3}?(?:secret|passw(?:or)?d|api[_-]?key|apikey|auth[_-]?token|access[_-]?token|private[_-]?key|client[_-]?secret)["']?\s{0,5}(?:[:=]|=>|:=)\s{0,5}["'](?<secret>[A-Za-z0-9+/=_-]{24,128})["']/i,
  except:
    /example|sample|placeholder|your|change_?me|dummy|redacted|test|fake|mock|x{5}|\*{3}|0{8}|1234567|abcdef|(?:[A-Za-z]{3,20}[_-]){2}[A-Za-z]{3}/i,
  entropy: 3.6,
  message: "This looks like a secret written into the file.",
  remedy: "Revoke it now, and read the new one from the environment or a secret store.",
  examples: {
    bad: [
      `const config = { clientSecret: "${LETTERS.slice(2, 34)}" };`,
      `API_KEY = '${"9f86d081" + "884c7d659a2feaa0c55ad015a3bf4f1b"}'`,
      `"db_password": "${LETTERS.slice(5, 33)}"`,
    ],
    good: [
      'const apiKey = "your-api-key-goes-in-here";',
      'password = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
      'const secret = "correct_horse_battery_staple";',
      `const checksum = "${"9f86d081" + "884c7d659a2feaa0c55ad015"}";`,
      'PASSWORD_LABEL_KEY = "settings-password-confirmation-label"',
    ],
  },
};

export const SECRET_RULES: readonly TextRule[] = [...SECRET_FORMATS.map(secretRule), ENTROPY_RULE];
