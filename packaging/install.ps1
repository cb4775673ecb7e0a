<#
.SYNOPSIS
Installs aichaku for the user who runs this.

.DESCRIPTION
Downloads the archive for Windows and checksums.txt, compares the SHA-256, tries the program, and only
then puts it in its place. Needs no administrator. Adds the folder to the user's Path unless told not to.

.PARAMETER Version
The release to install. Default: the latest.

.PARAMETER To
The folder to install into. Default: %LOCALAPPDATA%\Programs\aichaku

.PARAMETER NoPath
Leaves the user's Path as it is.

.NOTES
The environment variable AICHAKU_RELEASES names another place for the releases.
#>
[CmdletBinding()]
param(
  [string]$Version = "",
  [string]$To = (Join-Path $env:LOCALAPPDATA "Programs\aichaku"),
  [switch]$NoPath
)

$ErrorActionPreference = "Stop"
Set-StrictMode -Version Latest
# A progress bar makes Windows PowerShell download ten times slower.
$ProgressPreference = "SilentlyContinue"
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12

$releases = "https://github.com/aichaku/aichaku/releases"
if ($env:AICHAKU_RELEASES) { $releases = $env:AICHAKU_RELEASES }
$Version = $Version -replace "^v", ""
$place = "$releases/latest/download"
if ($Version) { $place = "$releases/download/v$Version" }

# Windows on ARM runs programs for x64.
$target = "windows-x64"
if (-not [Environment]::Is64BitOperatingSystem) { throw "install.ps1: there is no program for 32-bit Windows" }

$temporary = Join-Path ([IO.Path]::GetTempPath()) ("aichaku-" + [Guid]::NewGuid())
New-Item -ItemType Directory -Path $temporary | Out-Null
try {
  $sums = Join-Path $temporary "checksums.txt"
  Invoke-WebRequest -UseBasicParsing -Uri "$place/checksums.txt" -OutFile $sums

  $name = "[0-9][0-9A-Za-z.+-]*"
  if ($Version) { $name = [Regex]::Escape($Version) }
  $lines = @(Get-Content $sums | Where-Object { $_ -match "^[0-9a-f]{64}  aichaku-$name-$target\.zip$" })
  if ($lines.Count -ne 1) { throw "install.ps1: $place/checksums.txt names $($lines.Count) archives for $target, and should name one" }
  $expected, $archive = $lines[0] -split "  ", 2

  $zip = Join-Path $temporary $archive
  Invoke-WebRequest -UseBasicParsing -Uri "$place/$archive" -OutFile $zip
  $found = (Get-FileHash -Algorithm SHA256 -Path $zip).Hash.ToLowerInvariant()
  if ($found -ne $expected) { throw "install.ps1: $place/$archive has SHA-256 $found and should have $expected; nothing was installed" }

  Expand-Archive -Path $zip -DestinationPath $temporary
  $program = Join-Path $temporary (($archive -replace "\.zip$", "") + "\aichaku.exe")
  $told = & $program --version
  if ($LASTEXITCODE -ne 0) { throw "install.ps1: the program does not run on this system; nothing was installed" }

  New-Item -ItemType Directory -Force -Path $To | Out-Null
  $finished = Join-Path $To "aichaku.exe"
  # A program that runs cannot be overwritten on Windows, but it can be renamed.
  $old = "$finished.old"
  if (Test-Path $old) { Remove-Item -Force -ErrorAction SilentlyContinue $old }
  if (Test-Path $finished) { Move-Item -Force $finished $old }
  Move-Item $program $finished
  Write-Output "$told is installed: $finished"

  if (-not $NoPath) {
    $path = [Environment]::GetEnvironmentVariable("Path", "User")
    if (($path -split ";") -notcontains $To) {
      [Environment]::SetEnvironmentVariable("Path", (@($path, $To) | Where-Object { $_ }) -join ";", "User")
      Write-Output "It was added to your Path; open a new terminal to use it."
    }
  }
} finally {
  Remove-Item -Recurse -Force $temporary
}
