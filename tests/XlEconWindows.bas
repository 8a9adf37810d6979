Attribute VB_Name = "XlEconWindows"
' In the place of the module that asks Windows: a Python object of the test answers.
Option Explicit

Public Const XL_ECON_BITS As String = "64"
Private host As Object

Public Sub SetHost(ByVal given As Object)
    Set host = given
End Sub

Public Function XlEconLocalFolder() As String
    XlEconLocalFolder = host.LocalFolder()
End Function

Public Function XlEconFileExists(ByVal path As String) As Boolean
    XlEconFileExists = host.FileExists(path)
End Function

Public Function XlEconTextOf(ByVal path As String) As String
    XlEconTextOf = host.TextOf(path)
End Function

Public Function XlEconDictionary() As Object
    Set XlEconDictionary = host.Dictionary()
End Function

Public Function XlEconIsAnsi(ByVal text As String) As Boolean
    XlEconIsAnsi = True
End Function

Public Function XlEconLoadLibrary(ByVal path As String) As Boolean
    XlEconLoadLibrary = host.LoadLibrary(path)
End Function

Public Function XlEconActivate(ByRef answer As Variant, ByVal command As String) As Long
    XlEconActivate = host.Activate(command)
    Set answer = host
End Function

Public Sub TestNote(ByVal reason As String)
    host.Note reason
End Sub

' What UNO gives as rows in rows is one array of two dimensions where COM carries it.
Public Function TestCallUDF(ByVal server As Object, ByVal python As String, ByVal name As String, ByVal given As Variant) As Variant
    Dim rows As Variant, cells() As Variant, r As Long, c As Long
    If host.Crashes() Then Err.Raise 462, "server", "The remote server machine does not exist or is unavailable"
    rows = server.CallUDF(python, name, given)
    TestCallUDF = rows
    If Not IsArray(rows) Then Exit Function
    If Not IsArray(rows(0)) Then Exit Function
    ReDim cells(0 To UBound(rows), 0 To UBound(rows(0)))
    For r = 0 To UBound(rows)
        For c = 0 To UBound(rows(0))
            cells(r, c) = rows(r)(c)
        Next c
    Next r
    TestCallUDF = cells
End Function

Public Sub TestMessage(ByVal text As String, ByVal title As String)
    host.Message text, title
End Sub
