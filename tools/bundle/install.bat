@echo off
rem Windows: find a Python that this bundle has wheels for, and let it install. A double click will do.
cd /d "%~dp0"
for %%v in (3.14 3.13 3.12 3.11) do (
    findstr /c:"win_amd64 %%v" bundle.json >nul && py -%%v -c "" >nul 2>&1 && (
        py -%%v install.py %*
        goto end
    )
)
python install.py %*
if errorlevel 9009 echo No Python is installed here. llmviz needs one for 64 bits, of a version that bundle.json names.
:end
pause
