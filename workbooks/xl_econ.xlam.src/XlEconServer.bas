Attribute VB_Name = "XlEconServer"
' Starts the Python side once and keeps hold of it. Which interpreter and which library stands in one file, which the
' installer wrote for this user (xl_econ/addin/record.py describes it). Workbooks have no say in it: nothing is read
' from one, from its sheets, or from its folder, and the interpreter is started isolated (-I).
Option Explicit
Option Private Module

Public Const XL_ECON_VERSION_OF_ADDIN As String = "0.1.0"
Public Const XL_ECON_PROBLEM As Long = -2147220991  ' vbObjectError + 513
Private Const RECORD_BELOW_LOCAL As String = "\xl_econ\xl_econ.conf"
Private Const XLWINGS_VERSION As String = "0.37.8"
Private Const BYTE_ORDER_MARK As Long = -257  ' U+FEFF as ChrW counts
Private Const LONGEST_COMMAND As Long = 2000  ' the library copies it into 2048 bytes
Private Const SECONDS_BEFORE_RETRY As Double = 10

Private server As Object
Private problem As String
Private failedAt As Double

' The server, started if needed. A start that failed is not tried again for a while: a sheet may hold 100,000 cells.
Public Function XlEconServerObject() As Object
    If server Is Nothing Then
        If Len(problem) > 0 And Abs(Timer - failedAt) < SECONDS_BEFORE_RETRY Then
            Err.Raise XL_ECON_PROBLEM, "xl_econ", problem
        End If
        On Error GoTo failed
        Set server = Started()
        problem = ""
    End If
    Set XlEconServerObject = server
    Exit Function
failed:
    problem = Err.Description
    failedAt = Timer
    Err.Raise XL_ECON_PROBLEM, "xl_econ", problem
End Function

' Lets go of a server that does not answer any more; the next call starts another.
Public Sub XlEconDropServer()
    Set server = Nothing
    problem = ""
End Sub

' Where the installer's record is.
Public Function XlEconRecordPath() As String
    Dim folder As String
    folder = XlEconLocalFolder()
    If Not IsAbsolute(folder) Then Refuse "the functions need Excel for Windows, which names a folder LOCALAPPDATA; elsewhere use the LAMBDA flavour of the templates"
    XlEconRecordPath = folder & RECORD_BELOW_LOCAL
End Function

Private Function Started() As Object
    Dim record As String, library As String, command As String, answer As Variant
    record = ReadRecord()
    If ValueOf(record, "VERSION") <> XL_ECON_VERSION_OF_ADDIN Then
        Refuse "this add-in is " & XL_ECON_VERSION_OF_ADDIN & ", installed is " & ValueOf(record, "VERSION") & "; restart Excel, then run install.ps1 again if this stays"
    End If
    library = FileOf(record, "DLL" & XL_ECON_BITS)
    If LCase$(Right$(library, Len(LibraryName()))) <> LibraryName() Then
        Refuse XlEconRecordPath() & ": DLL" & XL_ECON_BITS & " must end in " & LibraryName()
    End If
    command = """" & FileOf(record, "PYTHON") & """ -I -m xl_econ.addin.server $(CLSID)"
    If Len(command) > LONGEST_COMMAND Or Not XlEconIsAnsi(command) Then
        Refuse "the path of the interpreter has letters that this Windows cannot pass on, or is too long; install to another folder"
    End If
    If Not XlEconLoadLibrary(library) Then
        Refuse library & " cannot be loaded: it is damaged, blocked, or not made for " & XL_ECON_BITS & "-bit Excel; run install.ps1 again"
    End If
    If XlEconActivate(answer, command) <> 0 Then
        Refuse "the Python side does not start: " & answer
    End If
    Set Started = answer
End Function

Private Function LibraryName() As String
    LibraryName = "\xlwings" & XL_ECON_BITS & "-" & XLWINGS_VERSION & ".dll"
End Function

Private Function ReadRecord() As String
    Dim path As String
    path = XlEconRecordPath()
    If Not XlEconFileExists(path) Then Refuse "not installed for this user: there is no " & path & "; run install.ps1"
    ReadRecord = vbLf & Replace(Replace(XlEconTextOf(path), vbCr, ""), ChrW$(BYTE_ORDER_MARK), "") & vbLf
End Function

' A value of the record: what stands between KEY= and the end of its line.
Private Function ValueOf(ByVal record As String, ByVal key As String) As String
    Dim at As Long, value As String
    at = InStr(1, record, vbLf & key & "=", vbBinaryCompare)
    If at = 0 Then Refuse XlEconRecordPath() & ": no line " & key & "=; run install.ps1 again"
    value = Mid$(record, at + Len(key) + 2)
    ValueOf = Left$(value, InStr(value, vbLf) - 1)
End Function

' A file that the record names: absolute, on a drive, there.
Private Function FileOf(ByVal record As String, ByVal key As String) As String
    Dim path As String
    path = ValueOf(record, key)
    If Not IsAbsolute(path) Then Refuse XlEconRecordPath() & ": " & key & " must be an absolute path on a drive, not " & path
    If Not XlEconFileExists(path) Then Refuse path & " is missing; run install.ps1 again"
    FileOf = path
End Function

Private Function IsAbsolute(ByVal path As String) As Boolean
    IsAbsolute = (UCase$(Left$(path, 1)) Like "[A-Z]") And Mid$(path, 2, 2) = ":\" And InStr(path, """") = 0 And InStr(path, "$(") = 0
End Function

Private Sub Refuse(ByVal reason As String)
    Err.Raise XL_ECON_PROBLEM, "xl_econ", "xl-econ: " & reason
End Sub
