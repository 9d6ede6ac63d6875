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

# Installed in this project, or in one around it, or Prestage in one file there, or Prestage's own project.
$cli = $null
$folder = $PSScriptRoot
while ($folder -and -not $cli) {
    $candidate = Join-Path -Path $folder -ChildPath 'node_modules/prestage/dist/cli.cjs'
    if (Test-Path -LiteralPath $candidate -PathType Leaf) { $cli = $candidate }
    $candidate = Join-Path -Path $folder -ChildPath 'prestage.mjs'
    if (-not $cli -and (Test-Path -LiteralPath $candidate -PathType Leaf)) { $cli = $candidate }
    $candidate = Join-Path -Path $folder -ChildPath 'dist/cli.cjs'
    $package = Join-Path -Path $folder -ChildPath 'package.json'
    if (-not $cli -and (Test-Path -LiteralPath $candidate -PathType Leaf) -and (Test-Path -LiteralPath $package -PathType Leaf)) {
        if (Select-String -LiteralPath $package -Pattern '^  "name": "prestage",' -Quiet) { $cli = $candidate }
    }
    $folder = Split-Path -Path $folder -Parent
}

# Installed for the whole machine. Not by npx, which would run whatever the registry has by that name.
$command = $null
if (-not $cli) {
    $command = Get-Command -Name prestage -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($command) {
        # What npm put beside its command: a .cmd would read the arguments a second time.
        $candidate = Join-Path -Path (Split-Path -Path $command.Source -Parent) -ChildPath 'node_modules/prestage/dist/cli.cjs'
        if (Test-Path -LiteralPath $candidate -PathType Leaf) { $cli = $candidate }
    }
}

Push-Location -LiteralPath $PSScriptRoot
try {
    if ($cli) {
        & $node.Source $cli test @args
        exit $LASTEXITCODE
    }

    if ($command) {
        & $command.Source test @args
        exit $LASTEXITCODE
    }
    Stop-Missing 'prestage is not installed: run npm pack in a clone of Prestage, then npm install --save-dev <that file> in this folder; or put prestage.mjs here.'
}
finally {
    Pop-Location
}
