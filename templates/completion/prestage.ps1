# PowerShell completion for prestage: prestage completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName prestage -ScriptBlock {
    param($word, $line, $cursor)
    $before = @($line.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor } |
        Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
    # What is no list of words is a path, and paths are what PowerShell completes by itself.
    prestage completion powershell "--word=$word" '--' $before 2>$null | Where-Object { $_ -notlike ':*' } | ForEach-Object {
        $value, $description = $_ -split "`t", 2
        if (-not $description) { $description = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $description)
    }
}
