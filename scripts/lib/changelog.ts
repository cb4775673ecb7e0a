/**
 * Reads CHANGELOG.md: a section `## VERSION - YYYY-MM-DD` a release, newest first.
 *
 * @module
 */

/**
 * What the changelog says of a version.
 *
 * @throws when it has no such section, the section has no date, or nothing stands in it.
 */
export function releaseNotes(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((one) => one.split(/\s/, 1)[0] === version);
  if (section === undefined) throw new Error(`CHANGELOG.md has no section "## ${version}"`);
  const [heading, ...lines] = section.split("\n");
  if (!/^\S+ - \d{4}-\d{2}-\d{2}$/.test(heading)) {
    throw new Error(`CHANGELOG.md: "## ${heading}" must have the day of the release: YYYY-MM-DD`);
  }
  const notes = lines.join("\n").trim();
  if (notes === "") throw new Error(`CHANGELOG.md says nothing of ${version}`);
  return `${notes}\n`;
}
