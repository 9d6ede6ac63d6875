# Tries this project's phases in a throw-away folder: ./test-file-prep.ps1 [flags], for example -TestPhase1Only or --phase1-only.
# prestage test -Help lists the flags; paths in them are relative to this folder.
# For Windows PowerShell 5.1 and PowerShell 7. Without a param block, so that all flags are passed on as they are.
$ErrorActionPreference = 'Stop'

function Stop-Missing {
    param([string] $Reason)
    [Console]::Error.WriteLine('test-file-prep.ps1: ' + $Reason)
    exit 2
}

$node = Get-Command -Name node -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
if (-not $node) {
    Stop-Missing 'Node.js 20.19 or newer is needed, and no node is on the PATH (https://nodejs.org).'
}
$running = [string](& $node.Source --version)
if ([version]($running.TrimStart('v') -replace '-.*$', '') -lt [version]'20.19') {
    Stop-Missing ('Node.js 20.19 or newer is needed; this is ' + $running + '.')
}

# Installed in this project, or in one around it, or that is Prestage's own.
$cli = $null
$folder = $PSScriptRoot
while ($folder -and -not $cli) {
    $candidate = Join-Path -Path $folder -ChildPath 'node_modules/prestage/dist/cli.cjs'
    if (Test-Path -LiteralPath $candidate -PathType Leaf) { $cli = $candidate }
    $candidate = Join-Path -Path $folder -ChildPath 'dist/cli.cjs'
    $package = Join-Path -Path $folder -ChildPath 'package.json'
    if (-not $cli -and (Test-Path -LiteralPath $candidate -PathType Leaf) -and (Test-Path -LiteralPath $package -PathType Leaf)) {
        if (Select-String -LiteralPath $package -Pattern '^  "name": "prestage",' -Quiet) { $cli = $candidate }
    }
    $folder = Split-Path -Path $folder -Parent
}

Push-Location -LiteralPath $PSScriptRoot
try {
    if ($cli) {
        & $node.Source $cli test @args
        exit $LASTEXITCODE
    }

    # Installed for the whole machine. npx is told to download nothing.
    $npx = Get-Command -Name npx -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($npx) {
        # A failure says that it is not installed; what npx says about it is not of interest.
        $ErrorActionPreference = 'Continue'
        & $npx.Source --no-install --offline prestage --version 2>$null | Out-Null
        if ($LASTEXITCODE -eq 0) {
            & $npx.Source --no-install --offline prestage test @args
            exit $LASTEXITCODE
        }
    }
    Stop-Missing 'prestage is not installed: run npm install --save-dev prestage in this folder.'
}
finally {
    Pop-Location
}
